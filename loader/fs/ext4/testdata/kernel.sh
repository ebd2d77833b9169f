#!/bin/sh
# Makes kernel-*.img.gz and kernel-*.txt: filesystems copied while Linux had
# them mounted, so their journals were written by Linux and need recovery, and
# what Linux sees in them after recovery. Needs root and loop devices; run it
# in this folder when the images are to be made anew.
set -eu
tmp=$(mktemp -d)
trap 'umount "$tmp/mnt" 2>/dev/null || :; rm -rf "$tmp"' EXIT
mkdir "$tmp/mnt"

make() { # name, features, mount options
	rm -f "$tmp/live"
	truncate -s 3M "$tmp/live"
	mke2fs -q -t ext2 -F -b 1024 -I 256 -N 256 -J size=1 -O "none,has_journal,extent,filetype,sparse_super,$2" "$tmp/live"
	mount -o "loop,$3" "$tmp/live" "$tmp/mnt"
	cd "$tmp/mnt"
	for i in $(seq 1 40); do seq 1 $((i * 30)) >old$i; done
	mkdir -p gone && seq 1 9 >gone/x
	sync -f .
	rm -r old1* gone && mkdir -p boot/grub && seq 1 500 >boot/grub/grub.cfg
	sync boot/grub/grub.cfg
	ln -s grub/grub.cfg boot/link && mv old2 boot/moved
	# Blocks that start with the journal's magic number are escaped in it.
	printf '\300\073\071\230%1020d\300\073\071\230%1020d' 1 2 >boot/magic
	sync boot/magic
	seq 1 100 >>old3 && rm old4 && sync old3
	cd - >/dev/null
	cp --sparse=always "$tmp/live" "$tmp/copy"
	umount "$tmp/mnt"
	gzip -9n <"$tmp/copy" >"kernel-$1.img.gz"
	mount -o loop "$tmp/copy" "$tmp/mnt"
	(cd "$tmp/mnt" && find . -path ./lost+found -prune -o -type f -exec sha256sum {} + && find . -type l -printf '%l  %p\n') | LC_ALL=C sort -k2 >"kernel-$1.txt"
	umount "$tmp/mnt"
}

make ordered-v3 metadata_csum,64bit data=ordered
make journal-v3 metadata_csum,64bit data=journal
make journal-plain dir_index data=journal
make journal-v1 64bit data=journal,journal_checksum
make journal-v1-async uninit_bg data=journal,journal_async_commit,journal_checksum
make fastcommit metadata_csum,64bit,fast_commit data=ordered
