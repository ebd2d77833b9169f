package guest

// pool is the state of the generator that stands in for a processor's.
var pool [4]uint64

// getRandomData fills p. Where the processor has RDRAND or RDSEED the numbers
// come from there; else from xoshiro256** (Blackman and Vigna, 2018) seeded by
// the jitter of the TSC, which is good enough for hash seeds and timeouts and
// not for keys.
func getRandomData(p []byte) {
	for len(p) > 0 {
		v, ok := hardwareRandom()
		if !ok {
			v = nextRandom()
		}
		for i := 0; i < 8 && len(p) > 0; i++ {
			p[0], p = byte(v), p[1:]
			v >>= 8
		}
	}
}

func rotl(x uint64, k uint) uint64 { return x<<k | x>>(64-k) }

// nextRandom steps xoshiro256**.
func nextRandom() uint64 {
	s := &pool
	result := rotl(s[1]*5, 7) * 9
	t := s[1] << 17
	s[2] ^= s[0]
	s[3] ^= s[1]
	s[1] ^= s[2]
	s[0] ^= s[3]
	s[2] ^= t
	s[3] = rotl(s[3], 45)
	return result
}

// stir mixes a sample into h (the finalizer of splitmix64).
func stir(h, sample uint64) uint64 {
	h += sample + 0x9e3779b97f4a7c15
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}
