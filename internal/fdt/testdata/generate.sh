#!/bin/sh
# Writes the flattened trees of this folder anew, with dtc and QEMU.
set -eu
cd "$(dirname "$0")"
dtc -q -b 7 -I dts -O dtb -o xenvm.dtb xenvm.dts
dtc -q -b 7 -V 16 -I dts -O dtb -o xenvm16.dtb xenvm.dts
# QEMU pads its tree to 1 MiB; dtc packs it.
qemu-system-aarch64 -M virt,dumpdtb=virt.tmp -cpu cortex-a57 -m 256 -nographic
dtc -q -I dtb -O dtb -o virt.dtb virt.tmp
rm virt.tmp
