"""Figures of a month, quarter or year from the books; workbook, printed report and rules sheet. Pure: facts in, pages out."""
