"""What `make bench` runs: the module compared with the server's own commands, in one run, as ratios.

    __main__.py    the command line: which servers, which rows; writes the table, JSON and the chart
    bench.py       a row of the table, the options of a run, interleaved measurements
    calibration.py repeating short measurements that other work on the machine disturbed
    load.py        load generators: pipelines, redis-benchmark, requests at a fixed rate
    documents.py   the definitions and the traffic that the rows use
    charts.py      rows: a statechart, also compared with other libraries
    commands.py    rows: CPU of a command compared with the server's own commands
    latency.py     rows: round trips, throughput without pipelines, latency at half of the peak
    storage.py     rows: memory, snapshot size, save, load
    engine.py      rows: what is not cached, and the start of the server
    growth.py      rows: many states, machines, definitions
    data.py        rows: machines with data
    waiting.py     rows: machines that wait for deadlines
    report.py      the table and the JSON
    chart.py       the SVG chart

docs/performance.md says how to read the results.
"""
