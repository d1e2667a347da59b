package simdisk

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

func TestTasksRunWhenStepped(t *testing.T) {
	sim := New(1, Options{})
	sched := sim.Env().Sched
	var ran []string
	add := func(name string, then func()) interface {
		Kick()
		Wait()
		Stop()
	} {
		return sched.NewTask(name, func() {
			ran = append(ran, name)
			if then != nil {
				then()
			}
		})
	}
	expect := func(want ...string) {
		t.Helper()
		if !slices.Equal(ran, want) {
			t.Errorf("ran %v, want %v", ran, want)
		}
		ran = nil
	}
	b := add("b", nil)
	a := add("a", b.Kick)
	if sim.RunAll() != 0 {
		t.Error("tasks run unasked")
	}
	a.Kick()
	a.Kick()
	expect()
	if p := sim.Pending(); !slices.Equal(p, []string{"a"}) {
		t.Errorf("pending %v", p)
	}
	if n := sim.RunAll(); n != 2 {
		t.Errorf("%d runs", n)
	}
	expect("a", "b")
	b.Kick()
	b.Wait() // runs inline and answers the kick
	sim.RunAll()
	expect("b")
	if sim.RunTask("a") != 1 || sim.RunTask("none") != 0 {
		t.Error("RunTask")
	}
	expect("a")
	b.Stop()
	b.Stop()
	b.Kick()
	b.Wait()
	if sim.RunAll() != 0 {
		t.Error("a stopped task runs")
	}
	a.Kick()
	sim.Crash(Crash{})
	a.Wait()
	if sim.RunAll() != 0 || sim.RunTask("a") != 0 {
		t.Error("a task survives the crash")
	}
	expect()
}

func TestOrderIsRandom(t *testing.T) {
	orders := map[string]bool{}
	for seed := range uint64(50) {
		sim := New(seed, Options{})
		order := ""
		for i := range 3 {
			sim.Env().Sched.NewTask("", func() { order += fmt.Sprint(i) }).Kick()
		}
		sim.RunAll()
		orders[order] = true
	}
	if len(orders) != 6 {
		t.Errorf("%d of 6 orders seen", len(orders))
	}
}

func TestRestlessTasksAreNoticed(t *testing.T) {
	sim := New(1, Options{})
	var kick func()
	task := sim.Env().Sched.NewTask("restless", func() { kick() })
	kick = task.Kick
	task.Kick()
	defer func() {
		if recover() == nil {
			t.Error("tasks without end are not noticed")
		}
	}()
	sim.RunAll()
}

func TestClockAndTimers(t *testing.T) {
	sim := New(1, Options{})
	sim.SetTick(0)
	env := sim.Env()
	runs := 0
	task := env.Sched.NewTask("tick", func() { runs++ })
	stop := env.Sched.Every(10*time.Second, task)
	start := env.Now()
	for _, c := range []struct {
		advance time.Duration
		want    int
	}{{9 * time.Second, 0}, {time.Second, 1}, {9 * time.Second, 1}, {35 * time.Second, 2}, {6 * time.Second, 3}} {
		sim.Advance(c.advance)
		sim.RunAll()
		if runs != c.want {
			t.Errorf("at %v: %d runs, want %d", env.Now().Sub(start), runs, c.want)
		}
	}
	stop()
	sim.Advance(time.Hour)
	if sim.RunAll() != 0 {
		t.Error("the timer fires after its stop")
	}
	sim.SetTick(time.Second)
	if a, b := env.Now(), env.Now(); b.Sub(a) != time.Second {
		t.Errorf("tick %v", b.Sub(a))
	}
}
