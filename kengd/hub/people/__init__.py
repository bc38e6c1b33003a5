"""Officers and keepers: what each may do, how they sign in, and what is kept of them."""
