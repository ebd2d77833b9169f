package guest

// The system calls on files, for what files.go finds.

// descriptor returns the open file of fd, nil for none.
func descriptor(fd int32) *openFile {
	if i := fd - firstFile; i >= 0 && int(i) < len(files) && files[i].used {
		return &files[i]
	}
	return nil
}

// lookup is a name buffer, for one call at a time.
var lookup path

// openat is openat(2), for reading only.
func openat(name, flags uint64) int64 {
	const accessMode, create = 3, 0o100
	if !lookup.set(name) {
		return -enametoolong
	}
	m, ok := find(lookup.bytes())
	switch {
	case flags&accessMode != 0 || flags&create != 0 && !ok:
		return -erofs
	case !ok:
		return -enoent
	case flags&openDirectory != 0 && m.mode&modeType != modeDir:
		return -enotdir
	}
	for i := range files {
		f := &files[i]
		if f.used {
			continue
		}
		f.used, f.dir = true, m.mode&modeType == modeDir
		f.mode, f.data, f.size, f.pos = m.mode, m.data, m.size, 0
		f.name = lookup
		return firstFile + int64(i)
	}
	return -emfile
}

// closeFile is close(2).
func closeFile(fd int32) int64 {
	f := descriptor(fd)
	if f == nil {
		return -ebadf
	}
	f.used = false
	return 0
}

// pread is pread64(2).
func pread(fd int32, buf, n, offset uint64) int64 {
	f := descriptor(fd)
	switch {
	case f == nil:
		return -ebadf
	case f.dir:
		return -eisdir
	case offset >= f.size:
		return 0
	}
	n = min(n, f.size-offset)
	copy(memory(buf, int(n)), memory(f.data+offset, int(n)))
	return int64(n)
}

// seek is lseek(2).
func seek(fd int32, offset int64, whence uint64) int64 {
	f := descriptor(fd)
	if f == nil {
		return -ebadf
	}
	switch whence {
	case 1:
		offset += int64(f.pos)
	case 2:
		offset += int64(f.size)
	}
	if whence > 2 || offset < 0 {
		return -einval
	}
	f.pos = uint64(offset)
	return offset
}

func fillStat(buf uint64, mode uint32, size uint64) int64 {
	*at[statT](buf) = statT{dev: 1, ino: 1, nlink: 1, mode: mode, size: int64(size), blockSize: pageSize, blocks: int64(size+511) / 512}
	return 0
}

// fstat is fstat(2).
func fstat(fd int32, buf uint64) int64 {
	const charDevice = 0o020000
	f := descriptor(fd)
	switch {
	case f != nil:
		return fillStat(buf, f.mode, f.size)
	case fd >= stdin && fd <= stderr:
		return fillStat(buf, charDevice|0o600, 0)
	}
	return -ebadf
}

// fstatat is newfstatat(2). There are no links to follow.
func fstatat(name, buf uint64) int64 {
	if !lookup.set(name) {
		return -enametoolong
	}
	m, ok := find(lookup.bytes())
	if !ok {
		return -enoent
	}
	return fillStat(buf, m.mode, m.size)
}

// getdents is getdents64(2).
func getdents(fd int32, buf, room uint64) int64 {
	const fixed, typeDir, typeFile = 19, 4, 8 // struct linux_dirent64; DT_DIR, DT_REG
	f := descriptor(fd)
	if f == nil {
		return -ebadf
	}
	if !f.dir {
		return -enotdir
	}
	var used, index uint64
	for addr, end := archive(); ; {
		m, more := readMember(addr, end)
		if !more {
			return int64(used)
		}
		addr = m.next
		name, ok := child(f.name.bytes(), &m)
		if !ok {
			continue
		}
		if index++; index <= f.pos {
			continue
		}
		size := (fixed + uint64(len(name)) + 1 + 7) &^ 7
		if size > room-used {
			if used == 0 {
				return -einval
			}
			return int64(used)
		}
		zero(buf+used, size)
		*at[uint64](buf + used) = index
		*at[uint64](buf + used + 8) = index
		*at[uint16](buf + used + 16) = uint16(size)
		*at[byte](buf + used + 18) = typeFile
		if m.mode&modeType == modeDir {
			*at[byte](buf + used + 18) = typeDir
		}
		copy(memory(buf+used+fixed, len(name)), name)
		used += size
		f.pos = index
	}
}

// getcwd is getcwd(2): the root.
func getcwd(buf, n uint64) int64 {
	if n < 2 {
		return -erange
	}
	copy(memory(buf, 2), "/\x00")
	return 2
}
