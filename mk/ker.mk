# ker.mk - the kernels' own bench.

.PHONY: bench-kernels
bench-kernels: $(BUILD)/bench_kernels ## measure the matrix products alone: GOP/s and GB/s per format
	$(BUILD)/bench_kernels

$(BUILD)/bench_kernels: bench/bench_kernels.c $(LIB)
	$(call SAY,LINK,$@)
	$(Q)$(CC) $(CFLAGS_ALL) -MMD -MP -MF $@.d $< $(LIB) -o $@ $(LDLIBS_ALL)

-include $(BUILD)/bench_kernels.d
