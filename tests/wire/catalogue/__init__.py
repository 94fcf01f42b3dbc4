"""The catalogue of faults: one test each, over real sockets, of what a caller gets of it.

Each states which error the caller sees, how many attempts the server saw, what the circuit
counted, and that slots, permits, tasks, threads, connections and descriptors are back.
"""
