"""The office (trực ban): book, clock, line to the hub and page, beside the belfry and never in its way."""
