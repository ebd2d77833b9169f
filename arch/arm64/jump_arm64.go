package arm64

import "pvboot/arch/departure"

// Depart carries out moves, cleans the target's memory to the point of
// coherency and enters the target. area is memory at physical address base that
// neither the target's nor the moves' ranges overlap. It returns only when
// nothing has been touched outside area.
func Depart(area []byte, base uint64, moves []departure.Move, t *Target) error {
	d, err := prepare(area, base, trampolineCode(), moves, t)
	if err != nil {
		return err
	}
	at := mappedAt(area)
	off := uintptr(Physical(uint64(offCode())))
	leave(d.code, d.moves, d.cleans, d.frame, d.root, at, at+d.end-d.base, off)
	return nil
}
