// Plain data for the types of Go: `decode` reads an argument, `encode` writes a result.
//
// What an empty interface receives: nil, bool, int, float64, string, []interface{} for a list or
// tuple, map[interface{}]interface{} for a dict, map[interface{}]struct{} for a set. A set is a map
// to struct{}; a struct is a tuple of its fields; a []byte is a text. Limits: an int32 is a number,
// as nothing tells a rune from it; there is no plain data for functions and channels.

package overproof_driver

import (
	"math"
	"reflect"
	"strconv"
	"unicode/utf8"
)

const maxLevels = 100

// A call that fails, as Python would name it.
type raised struct {
	kind, detail string
}

func refuse(t *tree, wanted string) {
	panic(raised{"TypeError", t.name() + " where " + wanted + " belongs"})
}

func refuseSize(found, wanted int) {
	detail := strconv.Itoa(found) + " elements where " + strconv.Itoa(wanted) + " belong"
	panic(raised{"TypeError", detail})
}

// The elements of a list or a tuple, or else of an object with one of these tags.
func elements(t *tree, wanted string, tags ...string) []tree {
	if t.kind == list {
		return t.items
	}
	for _, tag := range append(tags, "tuple") {
		if found := t.field(tag); found != nil && found.kind == list {
			return found.items
		}
	}
	refuse(t, wanted)
	return nil
}

func decode(t *tree, wanted reflect.Type) reflect.Value {
	value := reflect.New(wanted).Elem()
	switch wanted.Kind() {
	case reflect.Bool:
		if t.kind != boolean {
			refuse(t, "bool")
		}
		value.SetBool(t.text == "true")
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		whole, err := strconv.ParseInt(digits(t, wanted), 0, wanted.Bits())
		checkSize(err, wanted)
		value.SetInt(whole)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		whole, err := strconv.ParseUint(digits(t, wanted), 0, wanted.Bits())
		checkSize(err, wanted)
		value.SetUint(whole)
	case reflect.Float32, reflect.Float64:
		value.SetFloat(decodeFloat(t, wanted))
	case reflect.String:
		if t.kind != text {
			refuse(t, "str")
		}
		value.SetString(t.text)
	case reflect.Slice, reflect.Array:
		decodeSequence(t, wanted, value)
	case reflect.Map:
		decodeMap(t, wanted, value)
	case reflect.Struct:
		items := elements(t, "tuple")
		if len(items) != wanted.NumField() {
			refuseSize(len(items), wanted.NumField())
		}
		for i := range items {
			field := decode(&items[i], wanted.Field(i).Type)
			if !value.Field(i).CanSet() {
				panic(raised{"TypeError", "a field of " + wanted.String() + " is not exported"})
			}
			value.Field(i).Set(field)
		}
	case reflect.Ptr:
		if t.kind != null {
			value.Set(reflect.New(wanted.Elem()))
			value.Elem().Set(decode(t, wanted.Elem()))
		}
	case reflect.Interface:
		if natural := decode(t, naturalType(t)); wanted.NumMethod() > 0 {
			refuse(t, wanted.String())
		} else if t.kind != null {
			value.Set(natural)
		}
	default:
		refuse(t, wanted.String())
	}
	return value
}

// The type of what an empty interface receives.
func naturalType(t *tree) reflect.Type {
	switch t.name() {
	case "None":
		return reflect.TypeOf((*int)(nil))
	case "bool":
		return reflect.TypeOf(false)
	case "int":
		return reflect.TypeOf(0)
	case "float":
		return reflect.TypeOf(0.0)
	case "str":
		return reflect.TypeOf("")
	case "list", "tuple":
		return reflect.TypeOf([]interface{}(nil))
	case "set", "frozenset":
		return reflect.TypeOf(map[interface{}]struct{}(nil))
	case "dict":
		return reflect.TypeOf(map[interface{}]interface{}(nil))
	}
	refuse(t, "a value for interface{}")
	return nil
}

// The digits of an integer, as strconv reads them; a rune may also be a text of one character.
func digits(t *tree, wanted reflect.Type) string {
	if tagged := t.field("int"); tagged != nil {
		return tagged.text
	}
	if t.kind == text && (wanted.Kind() == reflect.Int32 || wanted.Kind() == reflect.Uint8) {
		if code, size := utf8.DecodeRuneInString(t.text); size == len(t.text) && size > 0 {
			return strconv.Itoa(int(code))
		}
	}
	if t.kind != integer {
		refuse(t, "int")
	}
	return t.text
}

func checkSize(err error, wanted reflect.Type) {
	if err != nil {
		panic(raised{"OverflowError", "int too large for " + wanted.String()})
	}
}

func decodeFloat(t *tree, wanted reflect.Type) float64 {
	if tagged := t.field("int"); tagged != nil {
		real, _ := strconv.ParseFloat(tagged.text+"p0", wanted.Bits())
		return real
	}
	if t.kind != float && t.kind != integer {
		refuse(t, "float")
	}
	real, _ := strconv.ParseFloat(t.text, wanted.Bits())
	return real
}

func decodeSequence(t *tree, wanted reflect.Type, value reflect.Value) {
	if t.kind == text && wanted.Kind() == reflect.Slice {
		if of := wanted.Elem().Kind(); of == reflect.Uint8 || of == reflect.Int32 {
			value.Set(reflect.ValueOf(t.text).Convert(wanted))
			return
		}
	}
	items := elements(t, "list", "iterator")
	if wanted.Kind() == reflect.Slice {
		value.Set(reflect.MakeSlice(wanted, len(items), len(items)))
	} else if len(items) != wanted.Len() {
		refuseSize(len(items), wanted.Len())
	}
	for i := range items {
		value.Index(i).Set(decode(&items[i], wanted.Elem()))
	}
}

func decodeMap(t *tree, wanted reflect.Type, value reflect.Value) {
	value.Set(reflect.MakeMap(wanted))
	put := func(key *tree, held reflect.Value) {
		found := decode(key, wanted.Key())
		if found.Kind() == reflect.Interface && !found.IsNil() && !found.Elem().Type().Comparable() {
			refuse(key, "a key")
		}
		value.SetMapIndex(found, held)
	}
	if pairs := t.field("dict"); pairs != nil {
		for i := range pairs.items {
			pair := &pairs.items[i]
			if pair.kind != list || len(pair.items) != 2 {
				panic(malformed{})
			}
			put(&pair.items[0], decode(&pair.items[1], wanted.Elem()))
		}
		return
	}
	if t.name() != "set" && t.name() != "frozenset" {
		refuse(t, "dict")
	}
	member := reflect.New(wanted.Elem()).Elem()
	if member.Kind() == reflect.Bool {
		member.SetBool(true)
	} else if wanted.Elem() != reflect.TypeOf(struct{}{}) {
		refuse(t, "dict")
	}
	for i := range t.items[0].items {
		put(&t.items[0].items[i], member)
	}
}

func encode(w *writer, value reflect.Value, level int) {
	if level > maxLevels {
		w.put(`{"opaque":"deep"}`)
		return
	}
	switch value.Kind() {
	case reflect.Bool:
		w.put(strconv.FormatBool(value.Bool()))
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		whole := value.Int()
		encodeWhole(w, whole < 0, magnitude(whole))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		encodeWhole(w, false, value.Uint())
	case reflect.Float32, reflect.Float64:
		encodeFloat(w, value.Float(), value.Type().Bits())
	case reflect.String:
		w.putText(value.String())
	case reflect.Interface, reflect.Ptr:
		if value.IsNil() {
			w.put("null")
		} else {
			encode(w, value.Elem(), level+1)
		}
	case reflect.Slice, reflect.Array:
		if value.Kind() == reflect.Slice && value.Type().Elem().Kind() == reflect.Uint8 {
			w.putText(string(value.Bytes()))
			return
		}
		encodeEach(w, "[", "]", value.Len(), func(i int) { encode(w, value.Index(i), level+1) })
	case reflect.Map:
		encodeMap(w, value, level)
	case reflect.Struct:
		encodeEach(w, `{"tuple":[`, "]}", value.NumField(), func(i int) {
			encode(w, value.Field(i), level+1)
		})
	case reflect.Invalid:
		w.put("null")
	default:
		w.put(`{"opaque":`)
		w.putText(value.Type().String())
		w.put("}")
	}
}

func encodeEach(w *writer, opening, closing string, size int, item func(int)) {
	w.put(opening)
	for i := 0; i < size; i++ {
		if i > 0 {
			w.put(",")
		}
		item(i)
	}
	w.put(closing)
}

func encodeMap(w *writer, value reflect.Value, level int) {
	keys := value.MapKeys()
	if value.Type().Elem() == reflect.TypeOf(struct{}{}) {
		encodeEach(w, `{"set":[`, "]}", len(keys), func(i int) { encode(w, keys[i], level+1) })
		return
	}
	encodeEach(w, `{"dict":[`, "]}", len(keys), func(i int) {
		w.put("[")
		encode(w, keys[i], level+1)
		w.put(",")
		encode(w, value.MapIndex(keys[i]), level+1)
		w.put("]")
	})
}

func magnitude(whole int64) uint64 {
	if whole < 0 {
		return -uint64(whole)
	}
	return uint64(whole)
}

func encodeWhole(w *writer, negative bool, magnitude uint64) {
	sign := ""
	if negative {
		sign = "-"
	}
	if magnitude < 1<<53 {
		w.put(sign + strconv.FormatUint(magnitude, 10))
	} else {
		w.put(`{"int":"` + sign + "0x" + strconv.FormatUint(magnitude, 16) + `"}`)
	}
}

func encodeFloat(w *writer, value float64, bits int) {
	switch {
	case value != value:
		w.put("NaN")
	case math.IsInf(value, 1):
		w.put("Infinity")
	case math.IsInf(value, -1):
		w.put("-Infinity")
	default:
		written := strconv.FormatFloat(value, 'g', -1, bits)
		w.put(written)
		for i := range written {
			if written[i] == '.' || written[i] == 'e' {
				return
			}
		}
		w.put(".0")
	}
}
