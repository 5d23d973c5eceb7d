
type overproof_T struct{ failed bool }

type overproof_stop struct{}

func (t *overproof_T) Run(name string, test func(*overproof_T)) bool {
	inner := &overproof_T{}
	inner.do(test)
	t.failed = t.failed || inner.failed
	return !inner.failed
}

func (t *overproof_T) do(test func(*overproof_T)) {
	defer func() {
		if found := recover(); found != nil {
			if _, stopped := found.(overproof_stop); !stopped {
				panic(found)
			}
		}
	}()
	test(t)
}

func (t *overproof_T) Fail()                                  { t.failed = true }
func (t *overproof_T) FailNow()                               { t.failed = true; panic(overproof_stop{}) }
func (t *overproof_T) Failed() bool                           { return t.failed }
func (t *overproof_T) Error(words ...interface{})             { t.Fail() }
func (t *overproof_T) Errorf(form string, w ...interface{})   { t.Fail() }
func (t *overproof_T) Fatal(words ...interface{})             { t.FailNow() }
func (t *overproof_T) Fatalf(form string, w ...interface{})   { t.FailNow() }
func (t *overproof_T) Log(words ...interface{})               {}
func (t *overproof_T) Logf(form string, words ...interface{}) {}
func (t *overproof_T) Helper()                                {}
func (t *overproof_T) Parallel()                              {}

type overproof_assert struct{ t *overproof_T }

func (a overproof_assert) That(held bool) bool {
	if !held {
		a.t.Fail()
	}
	return held
}

func (a overproof_assert) Equal(want, got interface{}, words ...interface{}) bool {
	return a.That(overproof_reflect.DeepEqual(want, got))
}

func (a overproof_assert) NotEqual(want, got interface{}, words ...interface{}) bool {
	return a.That(!overproof_reflect.DeepEqual(want, got))
}

func (a overproof_assert) True(held bool, words ...interface{}) bool  { return a.That(held) }
func (a overproof_assert) False(held bool, words ...interface{}) bool { return a.That(!held) }

func (a overproof_assert) InDelta(want, got interface{}, delta float64, w ...interface{}) bool {
	difference := overproof_number(want) - overproof_number(got)
	return a.That(-delta <= difference && difference <= delta)
}

func overproof_number(value interface{}) float64 {
	number := overproof_reflect.TypeOf(0.0)
	return overproof_reflect.ValueOf(value).Convert(number).Float()
}
