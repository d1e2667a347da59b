package eventlog

import (
	"fmt"
	"strings"
)

// Message is what the table knows of an event: its name, type, category, the names of its parameters in
// order, and a text in which {name} stands for a parameter.
type Message struct {
	ID       int
	Name     string
	Type     Type
	Category int
	Params   []string
	Text     string
}

// Lookup finds an event by number. One that the table lacks gives an error of the general category with
// no name.
func Lookup(id int) Message {
	if m, ok := messages[id]; ok {
		return m
	}
	return Message{ID: id, Type: Error, Category: CategoryGeneral}
}

// Text is the event's message with its parameters. Parameters that the text has no place for follow it.
func Text(e Event) string {
	m := Lookup(e.ID)
	text := m.Text
	if text == "" {
		text = fmt.Sprintf("event %d", e.ID)
	}
	var pairs []string
	for i, name := range m.Params {
		value := "?"
		if i < len(e.Params) {
			value = e.Params[i]
		}
		pairs = append(pairs, "{"+name+"}", value)
	}
	text = strings.NewReplacer(pairs...).Replace(text)
	if len(e.Params) > len(m.Params) {
		text += " (" + strings.Join(e.Params[len(m.Params):], ", ") + ")"
	}
	return text
}

// The categories of events.
const (
	CategoryGeneral           = 1
	CategoryBufferManager     = 2
	CategoryLoggingRecovery   = 3
	CategorySpace             = 4
	CategoryDataDefinition    = 5
	CategoryDataManipulation  = 6
	CategoryPerformance       = 7
	CategoryRepair            = 8
	CategoryConversion        = 9
	CategoryOnlineDefrag      = 10
	CategorySystemParameter   = 11
	CategoryDatabaseCorrupted = 12
	CategoryZeroing           = 13
	CategoryTransaction       = 14
	CategorySnapshot          = 16
)

var categoryNames = map[int]string{
	CategoryGeneral: "general", CategoryBufferManager: "page cache", CategoryLoggingRecovery: "logging and recovery",
	CategorySpace: "space", CategoryDataDefinition: "data definition", CategoryDataManipulation: "data manipulation",
	CategoryPerformance: "performance", CategoryRepair: "repair", CategoryConversion: "conversion",
	CategoryOnlineDefrag: "online defragmentation", CategorySystemParameter: "system parameter",
	CategoryDatabaseCorrupted: "database corruption", CategoryZeroing: "zeroing", CategoryTransaction: "transactions",
	CategorySnapshot: "snapshot",
}

// CategoryName is a category in words.
func CategoryName(category int) string {
	if name, ok := categoryNames[category]; ok {
		return name
	}
	return fmt.Sprintf("category %d", category)
}

var messages = func() map[int]Message {
	byID := make(map[int]Message, len(table))
	for _, m := range table {
		byID[m.ID] = m
	}
	return byID
}()
