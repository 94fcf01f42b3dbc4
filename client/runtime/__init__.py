"""What Python itself needs of us: forks, clocks, threads, event loops, imports put off."""
