# Makefile - `make help` lists the targets. Everything that is built goes under $(BUILD).

BUILD ?= build
ifeq ($(origin CC),default)
CC := gcc
endif
PREFIX ?= /usr/local
WERROR ?= $(if $(CI),-Werror)
OPT ?= -O2 -g
SAN ?=

ARCH := $(firstword $(subst -, ,$(shell $(CC) -dumpmachine 2>/dev/null || uname -m)))
LIBS := jansson libcurl libsodium libmicrohttpd libutf8proc
CFLAGS_ALL = -std=gnu11 -D_GNU_SOURCE $(OPT) $(SAN) -ffp-contract=off -fno-strict-aliasing -pthread \
  -Wall -Wextra -Wconversion -Wshadow -Wvla -Wstrict-prototypes -Wmissing-prototypes -Wno-missing-field-initializers \
  $(WERROR) -Isrc -I$(BUILD)/gen $(shell pkg-config --cflags $(LIBS) 2>/dev/null) $(CFLAGS)
LDLIBS_ALL = $(shell pkg-config --libs $(LIBS) 2>/dev/null) -lm -pthread $(SAN) $(LDFLAGS)

SOURCES := $(sort $(wildcard src/*/*.c))
OBJECTS := $(SOURCES:src/%.c=$(BUILD)/obj/%.o)
LIB := $(BUILD)/libxiaobei.a
BIN := $(BUILD)/xiaobei
UNIT_TESTS := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(sort $(wildcard tests/unit/test_*.c)))

.PHONY: all help clean
all: $(BIN) ## build the program (the default)

# `make V=1` shows the commands.
Q := $(if $(V),,@)
SAY = $(if $(V),,@echo "  $(1)	$(2)")

-include mk/*.mk

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*##  *\(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 14

# --- the program -----------------------------------------------------------------------------------------------------
# Files of one instruction set get its flags; everything else runs on any machine of the architecture.
ifeq ($(ARCH),x86_64)
$(BUILD)/obj/kernels/%_avx2.o: ISA = -mavx2 -mfma -mf16c
$(BUILD)/obj/kernels/%_avx512.o: ISA = -mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx512vnni -mavx2 -mfma -mf16c
endif

$(BUILD)/obj/%.o: src/%.c Makefile
	@mkdir -p $(@D)
	$(call SAY,CC,$<)
	$(Q)$(CC) $(CFLAGS_ALL) $(ISA) -MMD -MP -c $< -o $@

$(LIB): $(filter-out $(BUILD)/obj/cli/main.o,$(OBJECTS)) $(EXTRA_OBJECTS)
	@rm -f $@
	$(Q)ar rcs $@ $^

$(BIN): $(BUILD)/obj/cli/main.o $(LIB)
	$(call SAY,LINK,$@)
	$(Q)$(CC) $(OPT) $^ -o $@ $(LDLIBS_ALL)

# --- unit tests: one program per file, cmocka ------------------------------------------------------------------------
$(BUILD)/tests/%: tests/unit/%.c $(LIB)
	@mkdir -p $(@D)
	$(call SAY,TEST,$<)
	$(Q)$(CC) $(CFLAGS_ALL) -Itests -MMD -MP -MF $@.d $< $(LIB) -o $@ -lcmocka $(LDLIBS_ALL)

.PHONY: unit
unit: $(UNIT_TESTS) ## build and run the C unit tests only
	@for t in $(UNIT_TESTS); do CMOCKA_MESSAGE_OUTPUT=stdout $$t || exit 1; done

clean: ## remove everything that was built
	rm -rf $(BUILD)

-include $(OBJECTS:.o=.d) $(UNIT_TESTS:=.d)
