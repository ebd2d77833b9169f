//go:build ppc64 || ppc64le

package ppc64

import "pvboot/arch/departure"

// Depart carries out moves and enters the target. area is memory at physical
// address base that neither the target's nor the moves' ranges overlap. It
// returns only when nothing has been touched outside area.
func Depart(area []byte, base uint64, moves []departure.Move, t *Target) error {
	d, err := prepare(area, base, trampolineCode(), moves, t)
	if err != nil {
		return err
	}
	syncCode(base, base+departure.Frame)
	Untranslate()
	leave(d.code, d.moves, d.ranges, d.frame)
	return nil
}
