package vfs

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Wait promises a run that began after the call: whatever was queued before it is done after it.
func TestTaskWait(t *testing.T) {
	var queued, done atomic.Int64
	var overlap atomic.Int32
	task := NewScheduler().NewTask("work", func() {
		if overlap.Add(1) != 1 {
			t.Error("two runs overlap")
		}
		done.Store(queued.Load())
		overlap.Add(-1)
	})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 500 {
				mine := queued.Add(1)
				task.Wait()
				if done.Load() < mine {
					t.Error("Wait returned before the work was done")
					return
				}
			}
		})
	}
	wg.Wait()
	task.Stop()
}

func TestTaskKick(t *testing.T) {
	release, began := make(chan struct{}), make(chan struct{}, 10)
	task := NewScheduler().NewTask("work", func() {
		began <- struct{}{}
		<-release
	})
	task.Kick()
	<-began
	for range 5 { // during a run: one more run
		task.Kick()
	}
	release <- struct{}{}
	<-began
	release <- struct{}{}
	task.Stop()
	task.Stop()
	task.Kick()
	task.Wait()
	if len(began) != 0 {
		t.Error("kicks did not coalesce, or a stopped task ran")
	}
}

func TestStopReleasesWaiters(t *testing.T) {
	release, began := make(chan struct{}), make(chan struct{}, 1)
	task := NewScheduler().NewTask("work", func() {
		select {
		case began <- struct{}{}:
		default:
		}
		<-release
	})
	task.Kick()
	<-began
	var wg sync.WaitGroup
	wg.Go(task.Wait)
	wg.Go(task.Stop)
	close(release)
	wg.Wait()
}

func TestEvery(t *testing.T) {
	var runs atomic.Int64
	sched := NewScheduler()
	task := sched.NewTask("tick", func() { runs.Add(1) })
	defer task.Stop()
	stop := sched.Every(time.Millisecond, task)
	for deadline := time.Now().Add(10 * time.Second); runs.Load() < 3; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the timer does not fire")
		}
	}
	stop()
	stop()
	task.Wait()
	before := runs.Load()
	time.Sleep(20 * time.Millisecond)
	if runs.Load() != before {
		t.Error("the timer fires after its stop")
	}
}

// WaitFor returns when a run ends, when its time is over, and at once when there is nothing to wait for.
func TestWaitFor(t *testing.T) {
	begin, end := make(chan struct{}), make(chan struct{})
	task := NewScheduler().NewTask("test", func() {
		begin <- struct{}{}
		<-end
	})
	const soon, never = 20 * time.Millisecond, time.Hour
	task.WaitFor(never)
	task.Kick()
	<-begin
	began := time.Now()
	task.WaitFor(soon)
	if time.Since(began) < soon {
		t.Error("it came back before its time, and before the run had ended")
	}
	go func() { end <- struct{}{} }()
	task.WaitFor(never)
	task.Stop()
	task.WaitFor(never)
}
