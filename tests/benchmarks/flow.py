"""Metaflow's flows for the comparison; run in the peers' environment, chosen by the variable BENCH_FLOW."""

# mypy: ignore-errors
# ruff: noqa

import os

from metaflow import FlowSpec, step


class Chain2(FlowSpec):
    @step
    def start(self):
        self.next(self.end)

    @step
    def end(self):
        pass


class Chain8(FlowSpec):
    @step
    def start(self):
        self.next(self.a)

    @step
    def a(self):
        self.next(self.b)

    @step
    def b(self):
        self.next(self.c)

    @step
    def c(self):
        self.next(self.d)

    @step
    def d(self):
        self.next(self.e)

    @step
    def e(self):
        self.next(self.f)

    @step
    def f(self):
        self.next(self.end)

    @step
    def end(self):
        pass


class Wide(FlowSpec):
    """Six in a chain, ten wide, one join: 17 steps (Metaflow's `end` is the join's own)."""

    @step
    def start(self):
        self.next(self.a)

    @step
    def a(self):
        self.next(self.b)

    @step
    def b(self):
        self.next(self.c)

    @step
    def c(self):
        self.next(self.d)

    @step
    def d(self):
        self.items = list(range(10))
        self.next(self.wide, foreach="items")

    @step
    def wide(self):
        self.next(self.join)

    @step
    def join(self, inputs):
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    {"chain2": Chain2, "chain8": Chain8, "wide": Wide}[os.environ["BENCH_FLOW"]]()
