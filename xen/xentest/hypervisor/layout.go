package hypervisor

import (
	"encoding/binary"
	"reflect"
)

// The structures of package hypercall lie in a guest's memory as they do in this
// program's: every architecture here has C's natural alignment, 64-bit handles
// and, so far, the little end first. A handle stands where Go has a pointer, and
// must never become one: it is the guest's word.

// decode fills v, all but its pointers, from its bytes in the guest. The handles
// are what stands in the pointers' places, in order.
func decode(b []byte, v reflect.Value) (handles []uint64) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			handles = append(handles, decode(b[v.Type().Field(i).Offset:], v.Field(i))...)
		}
	case reflect.Array:
		size := v.Type().Elem().Size()
		for i := range v.Len() {
			handles = append(handles, decode(b[uintptr(i)*size:], v.Index(i))...)
		}
	case reflect.Pointer:
		return []uint64{binary.NativeEndian.Uint64(b)}
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		shift := 64 - v.Type().Bits()
		v.SetInt(int64(number(b, v.Type().Bits())<<shift) >> shift)
	default:
		v.SetUint(number(b, v.Type().Bits()))
	}
	return handles
}

// encode writes v, all but its pointers, to its place in the guest. What lies
// between fields stays.
func encode(b []byte, v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			encode(b[v.Type().Field(i).Offset:], v.Field(i))
		}
	case reflect.Array:
		size := v.Type().Elem().Size()
		for i := range v.Len() {
			encode(b[uintptr(i)*size:], v.Index(i))
		}
	case reflect.Pointer:
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		putNumber(b, v.Type().Bits(), uint64(v.Int()))
	default:
		putNumber(b, v.Type().Bits(), v.Uint())
	}
}

func number(b []byte, bits int) uint64 {
	switch bits {
	case 8:
		return uint64(b[0])
	case 16:
		return uint64(binary.NativeEndian.Uint16(b))
	case 32:
		return uint64(binary.NativeEndian.Uint32(b))
	}
	return binary.NativeEndian.Uint64(b)
}

func putNumber(b []byte, bits int, n uint64) {
	switch bits {
	case 8:
		b[0] = byte(n)
	case 16:
		binary.NativeEndian.PutUint16(b, uint16(n))
	case 32:
		binary.NativeEndian.PutUint32(b, uint32(n))
	default:
		binary.NativeEndian.PutUint64(b, n)
	}
}
