// Jump hands the machine over to an image in its ramdisk, files/next, which may
// be itself, as often as its first argument says. Each says what it finds.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"

	"pvboot/guest"
	"pvboot/guest/handover"
	"pvboot/internal/fdt"
	"pvboot/loader/image"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		return errors.New("usage: jump TIMES [MEMORY]")
	}
	left, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	start := guest.Start()
	memory := fmt.Sprintf("%x", start.Memory)
	fmt.Printf("%d left: hart %d, fault %s, %v\n", left, start.Hart, fault(), runs())
	if len(args) > 1 && args[1] != memory {
		return fmt.Errorf("memory was %s and is %s", args[1], memory)
	}
	if left == 0 {
		fmt.Println("arrived, memory as it was")
		return nil
	}
	tree, err := fdt.Unpack(start.DeviceTree)
	if err == nil {
		err = tree.SetString("/chosen", "bootargs", fmt.Sprintf("%d '%s'", left-1, memory))
	}
	if err != nil {
		return err
	}
	return jump(tree.Pack(), start)
}

// jump brings the next image and a device tree into memory and enters it.
func jump(tree []byte, start guest.StartInfo) error {
	next, err := os.ReadFile("files/next")
	if err != nil {
		return err
	}
	if next, err = memoryOf(next); err != nil {
		return err
	}
	const kernelRoom = 8 << 20
	plan := &image.Plan{Entry: entry(start), Segments: []image.Segment{
		{Name: "image", Addr: kernelAt, Size: uint64(len(next)), Reserve: kernelRoom, Data: bytes.NewReader(next)},
		{Name: "device tree", Addr: treeAt, Size: uint64(len(tree)), Data: bytes.NewReader(tree)},
	}}
	ground := handover.Ground{Own: ranges(guest.Own()), Free: ranges(guest.Free()), View: guest.Platform().View}
	loaded, err := handover.Load(plan, ground)
	if err != nil {
		return err
	}
	return loaded.Jump()
}

func ranges(list []guest.Range) (out []image.Range) {
	for _, r := range list {
		out = append(out, image.Range{Start: r.Start, Size: r.Size, Type: image.MemoryType(r.Type)})
	}
	return out
}

// fault shows that the runtime gets to know of a nil pointer.
func fault() (result string) {
	defer func() {
		if recover() != nil {
			result = "recovered"
		}
	}()
	var p *int
	*p = 1
	return "unseen"
}

// runs shows that goroutines, floating point and the collector work.
func runs() string {
	sum := make(chan float64)
	for i := range 100 {
		go func() {
			garbage := make([]float64, 1<<14)
			garbage[i] = float64(i) / 2
			sum <- garbage[i]
		}()
	}
	total := 0.0
	for range 100 {
		total += <-sum
	}
	if total != 2475 {
		return fmt.Sprintf("sum %v", total)
	}
	return "runs"
}
