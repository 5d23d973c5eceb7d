// Package overproof_driver answers calls to one function of a Go program, in plain data over
// descriptor 3.
//
// Compiled once; a program is compiled on its own, as package main, together with
//
//	var overproof_target = overproof_driver.Bind(
//		entry_point)
//
//	func init() { overproof_target.Serve() }
//
// `Serve` never returns, so that the program's `main` is never called. Go 1.18 or newer, Unix.
//
// Limits: the entry point is no generic function.
package overproof_driver

import (
	"reflect"
	"runtime"
	"runtime/debug"
	"strconv"
	"syscall"
)

const (
	channel       = 3
	protocolError = 2
	maxMessage    = 64 << 20
	maxDetail     = 200
	maxStack      = 256 << 20
)

// Target is the function that is called.
type Target struct {
	function reflect.Value
}

// Bind takes a function of any type.
func Bind(function interface{}) Target {
	return Target{reflect.ValueOf(function)}
}

// Serve answers calls until there are no more, then ends the process.
func (t Target) Serve() {
	defer syscall.Exit(protocolError) // the program has ended this goroutine
	defer func() {
		if _, broken := recover().(malformed); broken {
			syscall.Exit(protocolError)
		}
	}()
	if t.function.Kind() != reflect.Func || t.function.IsNil() {
		send([]byte(`{"failed":"no_code","detail":"the entry point is no function"}`))
		syscall.Exit(0)
	}
	debug.SetMaxStack(maxStack)
	send([]byte(`{"loaded":true}`))
	for {
		message, more := receive()
		if !more {
			syscall.Exit(0)
		}
		batch := parse(message)
		calls := batch.list("calls")
		for i := range calls {
			send(t.answer(calls[i].list("args")))
		}
	}
}

// The reply to one call.
func (t Target) answer(args []tree) (frame []byte) {
	defer func() {
		if frame == nil {
			frame = failure(recover())
		}
	}()
	w := writer{[]byte(`{"value":`)}
	t.encodeResults(&w, t.call(args))
	w.put("}")
	return w.frame
}

func (t Target) call(args []tree) []reflect.Value {
	signature := t.function.Type()
	wanted := signature.NumIn()
	whole := signature.IsVariadic() && len(args) == wanted && args[wanted-1].kind == list
	if signature.IsVariadic() && !whole {
		wanted--
	}
	if len(args) != wanted && !(signature.IsVariadic() && len(args) > wanted) {
		detail := strconv.Itoa(len(args)) + " arguments where " + strconv.Itoa(wanted) + " belong"
		panic(raised{"TypeError", detail})
	}
	values := make([]reflect.Value, len(args))
	for i := range args {
		if i < wanted {
			values[i] = decode(&args[i], signature.In(i))
		} else {
			values[i] = decode(&args[i], signature.In(wanted).Elem())
		}
	}
	if whole {
		return t.function.CallSlice(values)
	}
	return t.function.Call(values)
}

var errorType = reflect.TypeOf((*error)(nil)).Elem()

// Several results are a tuple; an error at their end is raised.
func (t Target) encodeResults(w *writer, results []reflect.Value) {
	if last := len(results) - 1; last >= 0 && t.function.Type().Out(last) == errorType {
		if !results[last].IsNil() {
			panic(raised{"error", results[last].Interface().(error).Error()})
		}
		results = results[:last]
	}
	switch len(results) {
	case 0:
		w.put("null")
	case 1:
		encode(w, results[0], 0)
	default:
		encodeEach(w, `{"tuple":[`, "]}", len(results), func(i int) { encode(w, results[i], 1) })
	}
}

// The reply to a call that has panicked with this value.
func failure(panicked interface{}) (frame []byte) {
	defer func() {
		if recover() != nil { // by the value's own method
			frame = []byte(`{"raised":"RuntimeError","detail":"a panic that panics"}`)
		}
	}()
	found := raised{"RuntimeError", ""}
	switch value := panicked.(type) {
	case malformed:
		syscall.Exit(protocolError)
	case raised:
		found = value
	case runtime.Error:
		found = raised{kindOf(value.Error()), value.Error()}
	case error:
		found.detail = value.Error()
	case interface{ String() string }:
		found.detail = value.String()
	case string:
		found.detail = value
	case nil:
		found.detail = "panic(nil), or the end of the goroutine"
	default:
		found.detail = "a panic with a " + reflect.TypeOf(value).String()
	}
	var w writer
	w.put(`{"raised":"` + found.kind + `","detail":`)
	w.putText(line(found.detail))
	w.put("}")
	return w.frame
}

func kindOf(message string) string {
	for _, known := range [...][2]string{
		{"index out of range", "IndexError"},
		{"slice bounds out of range", "IndexError"},
		{"integer divide by zero", "ZeroDivisionError"},
		{"interface conversion", "TypeError"},
	} {
		for at := range message {
			if len(message)-at >= len(known[0]) && message[at:at+len(known[0])] == known[0] {
				return known[1]
			}
		}
	}
	return "RuntimeError"
}

// The first line of a text, and of that what a detail may hold.
func line(content string) string {
	for at, character := range content {
		if character == '\n' || at >= maxDetail {
			return content[:at]
		}
	}
	return content
}

func send(content []byte) {
	size := len(content)
	frame := []byte{byte(size), byte(size >> 8), byte(size >> 16), byte(size >> 24)}
	frame = append(frame, content...)
	for len(frame) > 0 {
		count, err := syscall.Write(channel, frame)
		if err != nil && err != syscall.EINTR {
			syscall.Exit(protocolError)
		}
		if count > 0 {
			frame = frame[count:]
		}
	}
}

// Whether there was anything before the end of the stream.
func receive() ([]byte, bool) {
	head := make([]byte, 4)
	if !receiveExactly(head) {
		return nil, false
	}
	size := int(head[0]) | int(head[1])<<8 | int(head[2])<<16 | int(head[3])<<24
	if size > maxMessage {
		panic(malformed{})
	}
	message := make([]byte, size)
	if !receiveExactly(message) {
		panic(malformed{})
	}
	return message, true
}

func receiveExactly(buffer []byte) bool {
	for have := 0; have < len(buffer); {
		count, err := syscall.Read(channel, buffer[have:])
		if count <= 0 && err != syscall.EINTR {
			return false
		}
		if count > 0 {
			have += count
		}
	}
	return true
}
