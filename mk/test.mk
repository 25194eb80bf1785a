# test.mk - everything that checks: `make test` is what a submission must pass.

PYTHON ?= $(firstword $(wildcard /usr/bin/python3) python3)
VENV := $(BUILD)/venv
FUZZ_TARGETS := $(patsubst tests/fuzz/%.c,%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))
REPLAYS := $(FUZZ_TARGETS:%=$(BUILD)/tests/%)
FUZZ_SECONDS ?= 60
TEST_MODEL := qwen2.5-0.5b-instruct-q4_k_m

.PHONY: run test checks asan ubsan tsan fuzz lint format bench install uninstall

run: ## install what is missing, build, bring a model, serve on http://127.0.0.1:7860
	@tools/install-deps.sh packages
	@$(MAKE) --no-print-directory all
	@BUILD=$(BUILD) tools/run.sh

test: ## install what is missing, build, bring the 0.5B, run every test
	@tools/install-deps.sh packages packages-test
	@$(MAKE) --no-print-directory all checks $(VENV)/ready
	@$(BIN) pull $(TEST_MODEL)
	@$(VENV)/bin/python tools/run_tests.py --build $(BUILD)

checks: $(UNIT_TESTS) $(UNIT_TESTS_EXTRA) $(REPLAYS) # the C test programs, built

$(BUILD)/tests/fuzz_%: tests/fuzz/fuzz_%.c tests/fuzz/replay.c $(LIB)
	@mkdir -p $(@D)
	$(call SAY,FUZZ,$<)
	$(Q)$(CC) $(CFLAGS_ALL) -Itests -MMD -MP -MF $@.d $< tests/fuzz/replay.c $(LIB) -o $@ $(LDLIBS_ALL)

$(VENV)/ready: tests/requirements.txt
	@$(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check -r $<
	@touch $@

SANITIZED = $(MAKE) --no-print-directory BUILD=$(BUILD)/$@ OPT='-O1 -g -fno-omit-frame-pointer' SAN='$(1)' all checks && \
	XIAOBEI_TEST_ROWS=1 $(PYTHON) tools/run_tests.py --build $(BUILD)/$@ --only c

asan: ## unit tests and corpora under AddressSanitizer (leaks included)
	@$(call SANITIZED,-fsanitize=address)
ubsan: ## the same under UndefinedBehaviorSanitizer
	@$(call SANITIZED,-fsanitize=undefined -fno-sanitize-recover=all)
tsan: ## the same under ThreadSanitizer
	@$(call SANITIZED,-fsanitize=thread)

fuzz: ## fuzz every parser for FUZZ_SECONDS (60) each, with clang
	@tools/install-deps.sh packages packages-dev
	@tools/fuzz.sh $(BUILD)/fuzz $(FUZZ_SECONDS) '$(LIBS)' $(FUZZ_TARGETS)

lint: ## layering, sizes, style, shell scripts
	@$(PYTHON) tools/lint.py

format: ## rewrite the sources in the project's style
	@clang-format -i $$(git ls-files 'src/*.[ch]' 'tests/*.[ch]' 'bench/*.[ch]')

bench: all ## measure beside llama.cpp (installs llama-cpp-python into build/peer)
	@BUILD=$(BUILD) bench/run.sh

install: all ## install program, unit file and documentation under PREFIX
	install -D -m 755 $(BIN) $(DESTDIR)$(PREFIX)/bin/xiaobei
	sed 's|/usr/local/|$(PREFIX)/|g' deploy/xiaobei.service | install -D -m 644 /dev/stdin $(DESTDIR)$(PREFIX)/lib/systemd/system/xiaobei.service
	install -D -m 644 deploy/xiaobei.logrotate $(DESTDIR)$(PREFIX)/share/xiaobei/xiaobei.logrotate
	install -D -m 644 DEPLOYMENT.md $(DESTDIR)$(PREFIX)/share/doc/xiaobei/DEPLOYMENT.md

uninstall: ## remove what install put there; models and data stay
	rm -f $(DESTDIR)$(PREFIX)/bin/xiaobei $(DESTDIR)$(PREFIX)/lib/systemd/system/xiaobei.service
	rm -rf $(DESTDIR)$(PREFIX)/share/xiaobei $(DESTDIR)$(PREFIX)/share/doc/xiaobei

-include $(REPLAYS:=.d)
