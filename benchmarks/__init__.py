"""What `make bench` runs: the module against what the server does by itself, in one run, as ratios.

    __main__.py    the command line: which servers, which rows; writes the table, JSON and the chart
    bench.py       a row, what a run needs, how two things are measured in turns
    quiet.py       waiting until the machine serves nobody else
    load.py        load: pipelines of the client library, redis-benchmark, requests at a steady rate
    documents.py   the definitions and the traffic that the rows use
    commands.py    rows: CPU of a command against the server's own
    latency.py     rows: round trips, throughput without pipelines, latency at half of the peak
    storage.py     rows: memory, snapshot size, save, load
    engine.py      rows: what has not been seen before, and the start of the server
    growth.py      rows: many states, machines, definitions
    report.py      the table and the JSON
    chart.py       the SVG chart

docs/performance.md says how to read the results.
"""
