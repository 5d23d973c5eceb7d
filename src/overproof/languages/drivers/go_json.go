// The messages of the driver: a tree of JSON, its parser, and the writer of one reply.
//
// Limits: a message has at most 512 levels; a reply has at most 8 MiB. A text that is not UTF-8 is
// written as Python's `surrogateescape` reads it, and read so.

package overproof_driver

import (
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	maxDepth = 512
	maxReply = 8 << 20
)

type kind byte

const (
	null kind = iota
	boolean
	integer
	float
	text
	list
	object
)

// What Python calls a value of each kind.
var kindNames = [...]string{"None", "bool", "int", "float", "str", "list", "object"}

type tree struct {
	kind kind
	// Digits as strconv reads them, "true", or the content of a text.
	text  string
	items []tree // of an object: its values
	keys  []string
}

// The tag of an object that has one, or what Python calls the value.
func (t *tree) name() string {
	if t.kind == object && len(t.keys) == 1 {
		return t.keys[0]
	}
	return kindNames[t.kind]
}

// The value of a key; nil if there is no such key.
func (t *tree) field(key string) *tree {
	for i := range t.keys {
		if t.keys[i] == key {
			return &t.items[i]
		}
	}
	return nil
}

// The elements of a list under a key. Panics with malformed if there are none.
func (t *tree) list(key string) []tree {
	found := t.field(key)
	if found == nil || found.kind != list {
		panic(malformed{})
	}
	return found.items
}

// A message that is not of the protocol: the process ends.
type malformed struct{}

type parser struct {
	rest []byte
}

func parse(message []byte) tree {
	p := parser{message}
	result := p.value(0)
	if p.blanks(); len(p.rest) != 0 {
		panic(malformed{})
	}
	return result
}

func (p *parser) blanks() {
	for p.skip(" ") || p.skip("\n") || p.skip("\r") || p.skip("\t") {
	}
}

func (p *parser) peek() byte {
	if len(p.rest) == 0 {
		panic(malformed{})
	}
	return p.rest[0]
}

func (p *parser) take() byte {
	first := p.peek()
	p.rest = p.rest[1:]
	return first
}

func (p *parser) skip(word string) bool {
	if len(p.rest) < len(word) || string(p.rest[:len(word)]) != word {
		return false
	}
	p.rest = p.rest[len(word):]
	return true
}

func (p *parser) value(depth int) tree {
	if depth > maxDepth {
		panic(malformed{})
	}
	p.blanks()
	switch first := p.peek(); {
	case first == '"':
		return tree{kind: text, text: p.text()}
	case first == '[':
		result := tree{kind: list}
		p.each(']', func() { result.items = append(result.items, p.value(depth+1)) })
		return result
	case first == '{':
		result := tree{kind: object}
		p.each('}', func() {
			p.blanks()
			result.keys = append(result.keys, p.text())
			if p.blanks(); p.take() != ':' {
				panic(malformed{})
			}
			result.items = append(result.items, p.value(depth+1))
		})
		return result
	case p.skip("null"):
		return tree{}
	case p.skip("true"):
		return tree{kind: boolean, text: "true"}
	case p.skip("false"):
		return tree{kind: boolean}
	}
	return p.number()
}

func (p *parser) each(closing byte, item func()) {
	p.take()
	if p.blanks(); p.peek() == closing {
		p.take()
		return
	}
	for {
		item()
		p.blanks()
		if next := p.take(); next == closing {
			return
		} else if next != ',' {
			panic(malformed{})
		}
	}
}

func (p *parser) number() tree {
	for _, word := range [...]string{"NaN", "Infinity", "-Infinity"} {
		if p.skip(word) {
			return tree{kind: float, text: word}
		}
	}
	result := tree{kind: integer}
	size := 0
	for ; size < len(p.rest); size++ {
		c := p.rest[size]
		if c == '.' || c == 'e' || c == 'E' {
			result.kind = float
		} else if c != '-' && c != '+' && (c < '0' || c > '9') {
			break
		}
	}
	result.text = string(p.rest[:size])
	p.rest = p.rest[size:]
	if _, err := strconv.ParseFloat(result.text, 64); err != nil && size == 0 {
		panic(malformed{})
	}
	return result
}

func (p *parser) text() string {
	if p.take() != '"' {
		panic(malformed{})
	}
	var content []byte
	for {
		switch next := p.take(); {
		case next == '"':
			return string(content)
		case next == '\\':
			content = p.escape(content)
		case next < 0x20:
			panic(malformed{})
		default:
			content = append(content, next)
		}
	}
}

func (p *parser) escape(content []byte) []byte {
	const names, meanings = "\"\\/bfnrt", "\"\\/\b\f\n\r\t"
	name := p.take()
	for i := range names {
		if names[i] == name {
			return append(content, meanings[i])
		}
	}
	if name != 'u' {
		panic(malformed{})
	}
	code := p.fourDigits()
	if after := p.rest; utf16.IsSurrogate(code) && p.skip("\\u") {
		if pair := utf16.DecodeRune(code, p.fourDigits()); pair != utf8.RuneError {
			return utf8.AppendRune(content, pair)
		}
		p.rest = after
	}
	if code >= 0xDC80 && code <= 0xDCFF {
		return append(content, byte(code-0xDC00))
	}
	if utf16.IsSurrogate(code) { // as UTF-8 would write it if it were a character
		return append(content, 0xED, byte(0x80|code>>6&0x3F), byte(0x80|code&0x3F))
	}
	return utf8.AppendRune(content, code)
}

func (p *parser) fourDigits() rune {
	if len(p.rest) < 4 {
		panic(malformed{})
	}
	code, err := strconv.ParseUint(string(p.rest[:4]), 16, 16)
	if err != nil {
		panic(malformed{})
	}
	p.rest = p.rest[4:]
	return rune(code)
}

type writer struct {
	frame []byte
}

func (w *writer) put(part string) {
	if len(w.frame)+len(part) > maxReply {
		panic(raised{"CodecError", "the result is too large"})
	}
	w.frame = append(w.frame, part...)
}

func (w *writer) putText(content string) {
	w.put(`"`)
	plain := 0
	for at := 0; at < len(content); {
		code, size := utf8.DecodeRuneInString(content[at:])
		lone := code == utf8.RuneError && size == 1
		if !lone && code >= 0x20 && code != '"' && code != '\\' && code != 0x7F {
			at += size
			continue
		}
		if lone {
			code = 0xDC00 + rune(content[at])
		}
		w.put(content[plain:at])
		w.put(`\u` + strconv.FormatUint(0x10000|uint64(code), 16)[1:])
		at += size
		plain = at
	}
	w.put(content[plain:])
	w.put(`"`)
}
