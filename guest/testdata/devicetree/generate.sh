#!/bin/sh
# Writes the flattened trees of this folder anew, with dtc and QEMU. The
# sources xen-*.dts are what xl gave domains, as dtc -I dtb -O dts shows it;
# pseries.dts is what arch/ppc64/openfirmware made of VOF's, and powernv9.dts
# skiboot's.
set -eu
cd "$(dirname "$0")"
for source in *.dts; do
	dtc -q -I dts -O dtb -o "${source%.dts}.dtb" "$source"
done
qemu-system-aarch64 -M virt,dumpdtb=virt.tmp -cpu cortex-a57 -m 6000 -nographic
dtc -q -I dtb -O dtb -o virt.dtb virt.tmp
rm virt.tmp
qemu-system-riscv64 -M virt,dumpdtb=virt.tmp -m 6000 -nographic
dtc -q -I dtb -O dtb -o virt-riscv64.dtb virt.tmp
rm virt.tmp
