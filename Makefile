# Names for the commands of ./dev, which does the set-up itself.
.PHONY: setup demo test test-all lint format bench

setup demo test test-all lint format bench:
	@./dev $@
