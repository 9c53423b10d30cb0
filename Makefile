# make setup, make demo, make app, make test, make bench: each works on a fresh clone, without the others.
# Without make: the same lines, as the README shows them.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: setup demo app test lint bench clean

setup: $(VENV)/setup.done

$(VENV)/setup.done: requirements.txt requirements-detect.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet --requirement requirements.txt
	touch $@

$(VENV)/app.done: $(VENV)/setup.done requirements-app.txt
	$(PIP) install --quiet --requirement requirements-app.txt
	touch $@

$(VENV)/dev.done: $(VENV)/app.done requirements-alerts.txt requirements-cluster.txt requirements-dev.txt
	$(PIP) install --quiet --requirement requirements-dev.txt
	touch $@

demo: setup
	$(BIN)/python detect_mask_image.py --image examples/example_01.png --output example_01_mask.png

app: $(VENV)/app.done
	MALLOC_ARENA_MAX=2 $(BIN)/python -m streamlit run app.py

lint: $(VENV)/dev.done
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Two processes: the browser's tests mostly wait.
test: lint
	$(BIN)/python -m pytest -n 2

bench: $(VENV)/dev.done
	$(BIN)/python -m benchmarks.speed

clean:
	rm -rf $(VENV)
