"""The data of the pickle benchmark, and CPython's times on it.

pickle_times.py DIR writes NAME.pickle for each; pickle_times.py time prints "NAME loads|dumps NANOSECONDS": the median of several runs.
"""
import pickle, statistics, sys, time

DATA = {
    "lab_dict": {"student_name": "Ada Lovelace", "github_username": "ada-lovelace", "sid": 12345678},
    "ints_100k": list(range(100_000)),
    "dicts_100k": [{"id": i, "name": "student %d" % i} for i in range(100_000)],
    "dict_of_dicts_100k": {"student %d" % i: {"id": i, "name": "student %d" % i} for i in range(100_000)},
}
RUNS = 15


def median(work, repeat):
    times = []
    for _ in range(RUNS):
        start = time.perf_counter_ns()
        for _ in range(repeat):
            work()
        times.append((time.perf_counter_ns() - start) / repeat)
    return statistics.median(times)


if sys.argv[1] == "time":
    for name, value in DATA.items():
        repeat = 20_000 if name == "lab_dict" else 1
        data = pickle.dumps(value, 4)
        print(name, "loads", round(median(lambda: pickle.loads(data), repeat)))
        # Protocol 3 is what lab2sh writes; CPython's own default writes no faster.
        print(name, "dumps", round(median(lambda: pickle.dumps(value, 3), repeat)))
else:
    for name, value in DATA.items():
        with open(f"{sys.argv[1]}/{name}.pickle", "wb") as file:
            pickle.dump(value, file, 4)
