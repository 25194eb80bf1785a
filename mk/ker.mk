# ker.mk - how the kernels are compiled, and their own bench.

# Line numbers only: the functions are too long for variable tracking. Under a sanitizer loops stay rolled up: minutes
# less. The scalar table has nothing but the compiler's own vectors: twice as fast with -O3;
# quantising on load gains more.
$(BUILD)/obj/kernels/%.o: CFLAGS_ALL += -g1 $(if $(SAN),-DKERNELS_ROLLED)
ifeq ($(SAN),)
$(BUILD)/obj/kernels/%_scalar.o $(BUILD)/obj/kernels/quantize.o: ISA = -O3
# Packing is what loading waits for: three times as fast.
$(BUILD)/obj/kernels/pack.o: ISA = -O3
endif

.PHONY: bench-kernels
bench-kernels: $(BUILD)/bench_kernels ## measure the matrix products alone: GOP/s and GB/s per format
	$(BUILD)/bench_kernels

$(BUILD)/bench_kernels: bench/bench_kernels.c $(LIB)
	$(call SAY,LINK,$@)
	$(Q)$(CC) $(CFLAGS_ALL) -MMD -MP -MF $@.d $< $(LIB) -o $@ $(LDLIBS_ALL)

-include $(BUILD)/bench_kernels.d
