// goese rows FILE TABLE prints the rows of a table as the Go module of Velocidex reads them: one line a row,
// "column=value" for each column as a Go string, separated by tabs. goese long FILE TABLE prints
// the separated long values that are not compressed, one line each, in hexadecimal.
//
// It is a module of its own so that the product does not depend on what it needs.
package main

import (
	"encoding/binary"
	"fmt"
	"log"
	"os"
	"strconv"
	"strings"

	"github.com/Velocidex/ordereddict"
	"www.velocidex.com/golang/go-ese/parser"
)

var output = os.Stdout

func main() {
	log.SetFlags(0)
	os.Stdout = os.Stderr // the module writes its remarks there
	if len(os.Args) != 4 {
		log.Fatal("usage: goese rows|long FILE TABLE")
	}
	file, err := os.Open(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	ctx, err := parser.NewESEContext(file)
	if err != nil {
		log.Fatal(err)
	}
	catalog, err := parser.ReadCatalog(ctx)
	if err != nil {
		log.Fatal(err)
	}
	what, ok := catalog.Tables.Get(os.Args[3])
	if !ok {
		log.Fatal("no such table")
	}
	table := what.(*parser.Table)
	if os.Args[1] == "long" {
		err = printLong(ctx, table)
	} else {
		err = printRows(ctx, catalog, table)
	}
	if err != nil {
		log.Fatal(err)
	}
}

// deleted is the flag of a node that only waits for its removal. The module reads it and does not heed it.
const deleted = 2

func printRows(ctx *parser.ESEContext, catalog *parser.Catalog, table *parser.Table) error {
	var gone []bool
	err := parser.WalkPages(ctx, int64(table.FatherDataPageNumber), func(_ *parser.PageHeader, _ int64, v *parser.Value) error {
		gone = append(gone, v.Flags&deleted != 0)
		return nil
	})
	if err != nil {
		return err
	}
	return catalog.DumpTable(table.Name, func(row *ordereddict.Dict) error {
		skip := gone[0]
		gone = gone[1:]
		if skip {
			return nil
		}
		var line []string
		for _, column := range row.Keys() {
			value, _ := row.Get(column)
			if b, ok := value.([]byte); ok {
				value = fmt.Sprintf("%x", b)
			}
			if value != nil {
				line = append(line, strconv.Quote(fmt.Sprintf("%s=%v", column, value)))
			}
		}
		fmt.Fprintln(output, strings.Join(line, "\t"))
		return nil
	})
}

const (
	catalogPage   = 4
	longValueTree = 4 // the type of its catalog row
)

// node gives key and data of a node. What it shares with the others of its page is in the page's first tag.
func node(ctx *parser.ESEContext, header *parser.PageHeader, id int64, v *parser.Value) (key, data []byte) {
	b := v.Buffer
	if v.Flags&parser.TAG_COMMON != 0 {
		common := parser.GetPageValues(ctx, header, id)[0].Buffer
		key = append(key, common[:binary.LittleEndian.Uint16(b)]...)
		b = b[2:]
	}
	n := 2 + int(binary.LittleEndian.Uint16(b))
	return append(key, b[2:n]...), b[n:]
}

// printLong joins the pieces of each long value. The module walks the pages and takes the nodes apart, but
// does not know the tree of long values: keys are a number, for its size, and number and offset, for a piece.
func printLong(ctx *parser.ESEContext, table *parser.Table) error {
	root, current := int64(0), uint32(0)
	err := parser.WalkPages(ctx, catalogPage, func(h *parser.PageHeader, id int64, v *parser.Value) error {
		_, row := node(ctx, h, id, v)
		row = row[4:] // the record's header
		object, kind, pgno := binary.LittleEndian.Uint32(row), binary.LittleEndian.Uint16(row[4:]), binary.LittleEndian.Uint32(row[10:])
		switch {
		case v.Flags&deleted != 0:
		case kind == 1 && pgno == table.FatherDataPageNumber:
			current = object
		case kind == longValueTree && object == current:
			root = int64(pgno)
		}
		return nil
	})
	if err != nil || root == 0 {
		return err
	}
	var value []byte
	size := -1
	flush := func() {
		if size == len(value) { // else it is compressed
			fmt.Fprintf(output, "%x\n", value)
		}
	}
	err = parser.WalkPages(ctx, root, func(h *parser.PageHeader, id int64, v *parser.Value) error {
		key, data := node(ctx, h, id, v)
		switch {
		case v.Flags&deleted != 0:
		case len(key) == 4:
			flush()
			value, size = nil, int(binary.LittleEndian.Uint32(data[4:]))
		case len(key) != 8:
			return fmt.Errorf("a long value has the key %x", key)
		case int(binary.BigEndian.Uint32(key[4:])) == len(value):
			value = append(value, data...)
		default:
			size = -1
		}
		return nil
	})
	flush()
	return err
}
