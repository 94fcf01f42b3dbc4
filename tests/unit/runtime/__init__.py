"""What Python lacks: clocks that stay steady, notices in order, attributes made once."""
