"""What a stack costs in a month: `prices` reads the dated price list, `estimate` applies it to a plan, `telling` shows it."""
