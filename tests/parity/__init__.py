"""Every module of torch.nn in both engines: the same arguments, state and inputs.

`make parity` prints for each name how many cases agree; tests/parity/test_parity.py holds them.
"""
