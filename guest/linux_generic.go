//go:build !amd64

package guest

// epollData is where struct epoll_event has its data (Linux
// uapi/linux/eventpoll.h).
const epollData = 8

func zero(addr, n uint64) { clear(memory(addr, int(n))) }
