"""The Python side of the boundary between the server and the engine.

boot.py      run once when the shim starts the engine
boundary.py  the functions that the shim calls
replies.py   replies in the encoding that the shim sends
"""
