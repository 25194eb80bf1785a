# grammar.mk - what a form of an answer costs: `make bench-grammar MODEL=FILE`.
.PHONY: bench-grammar
bench-grammar: $(BUILD)/bench_grammar ## measure compiling schemas and masking tokens (MODEL=a GGUF file or directory)
	$(BUILD)/bench_grammar $(MODEL)

$(BUILD)/bench_grammar: bench/bench_grammar.c $(LIB)
	$(call SAY,LINK,$@)
	$(Q)$(CC) $(CFLAGS_ALL) -MMD -MP -MF $@.d $< $(LIB) -o $@ $(LDLIBS_ALL)

-include $(BUILD)/bench_grammar.d
