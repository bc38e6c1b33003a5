"""Notices: what people, cameras and neighbours are told, without ever delaying the bell."""
