#!/bin/sh
# The init process of the rig's test disks: prints what the kernel was given,
# and powers off. On the kernel's command line:
#   single          a shell at the end
#   rig.sum         checks the initrd's padding against its checksum
#   rig.read=DISK   reads a disk with large direct reads and says how fast
#   rig.fdt         prints the kernel's device tree in base64
#   rig.cat=FILE    prints a file
mkdir -p /proc /sys /dev
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev

# Where the kernel has no driver for the console that it writes to (earlycon),
# messages go through its log, which takes them whole and line by line.
if ! (exec >/dev/console) 2>/dev/null; then
	echo on >/proc/sys/kernel/printk_devkmsg
	exec </dev/null >/dev/kmsg 2>&1
fi

# show prints a file.
show() {
	while IFS= read -r line; do
		echo "$line"
	done <"$1"
}

echo PVBOOT-OK
show /proc/cmdline
grep MemTotal /proc/meminfo
show /proc/iomem

read -r cmdline </proc/cmdline
shell=
for word in $cmdline; do
	case $word in
	single)
		shell=yes
		;;
	rig.sum)
		if sha256sum -c /padding.sha256; then
			echo PVBOOT-SUM-OK
		else
			echo PVBOOT-SUM-BAD
		fi
		;;
	rig.fdt)
		echo PVBOOT-FDT-BEGIN
		base64 /sys/firmware/fdt
		echo PVBOOT-FDT-END
		;;
	rig.cat=*)
		echo "PVBOOT-CAT $(tr -d '\0' <"${word#rig.cat=}")"
		;;
	rig.read=*)
		disk=/dev/${word#rig.read=}
		for module in /modules/*.ko; do
			insmod "$module"
		done
		tries=0
		while [ ! -b "$disk" ] && [ $tries -lt 100 ]; do
			sleep 0.1
			tries=$((tries + 1))
		done
		read -r begin _ </proc/uptime
		if dd if="$disk" of=/dev/null bs=1M iflag=direct; then
			# Seconds with two digits; without the point they are hundredths.
			read -r end _ </proc/uptime
			hundredths=$((${end%.*}${end#*.} - ${begin%.*}${begin#*.}))
			read -r sectors <"/sys/block/${disk#/dev/}/size"
			echo "PVBOOT-READ-OK $((sectors * 512)) bytes in $hundredths hundredths of a second"
		else
			echo PVBOOT-READ-BAD
		fi
		;;
	esac
done
echo PVBOOT-END
if [ -n "$shell" ]; then
	setsid cttyhack sh
fi
poweroff -f
