"""What happens, told to logs."""
