"""Writes the recorded pickles as a fuzzer's seeds: seeds.py FIXTURES CORPUS"""
import base64, hashlib, os, sys

folder, corpus = sys.argv[1:]
seeds = set()
for line in open(os.path.join(folder, "recorded.tsv")):
    seeds.add(base64.b64decode(line.split("\t")[2]))
for line in open(os.path.join(folder, "bad.tsv")):
    pieces = [piece.partition("*") for piece in line.rstrip("\n").split("\t")[2].split()]
    seeds.add(b"".join(base64.b64decode(piece) * int(times or 1) for piece, _, times in pieces))
for seed in seeds:
    if len(seed) <= 4096:
        with open(os.path.join(corpus, hashlib.sha1(seed).hexdigest()), "wb") as file:
            file.write(seed)
