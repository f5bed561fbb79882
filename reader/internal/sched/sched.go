// Package sched runs the tasks of many reads on a fixed number of workers, fairly: each free worker takes the next
// task of the read that has waited longest for one.
//
// A Pool owns its worker goroutines until Close; a Queue holds the tasks of one read, in order.
package sched

import (
	"slices"
	"sync"
)

// Pool is a fixed set of workers. Safe for concurrent use.
type Pool struct {
	mu      sync.Mutex
	wake    sync.Cond
	ready   []*Queue // with tasks and below their limit, in turn
	closed  bool
	hurried bool // the queue that was put in turn last went before others
	done    sync.WaitGroup
	now     Load
}

// Load is how busy a pool is: tasks that wait and that run, and how many have run.
type Load struct {
	Waiting, Running int
	Done             int64
}

// Load tells how busy the pool is.
func (p *Pool) Load() Load {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now
}

// New starts n workers.
func New(n int) *Pool {
	p := &Pool{}
	p.wake.L = &p.mu
	for id := range n {
		p.done.Go(func() { p.work(id) })
	}
	return p
}

// Close ends the workers once their running tasks have ended; queues must be closed before.
func (p *Pool) Close() {
	p.mu.Lock()
	p.closed = true
	p.wake.Broadcast()
	p.mu.Unlock()
	p.done.Wait()
}

func (p *Pool) work(id int) {
	for {
		q, task := p.next()
		if task == nil {
			return
		}
		task(id)
		p.finished(q)
	}
}

func (p *Pool) next() (*Queue, func(worker int)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.ready) == 0 {
		if p.closed {
			return nil, nil
		}
		p.wake.Wait()
	}
	q := p.ready[0]
	p.ready = p.ready[1:]
	task := q.tasks[0]
	q.tasks = q.tasks[1:]
	q.running++
	p.now.Waiting--
	p.now.Running++
	q.listed = false
	q.list()
	return q, task
}

func (p *Pool) finished(q *Queue) {
	p.mu.Lock()
	defer p.mu.Unlock()
	q.running--
	p.now.Running--
	p.now.Done++
	q.list()
	if q.running == 0 {
		q.idle.Broadcast()
	}
}

// Queue holds the tasks of one read, at most limit of which run at once.
type Queue struct {
	pool    *Pool
	limit   int
	tasks   []func(worker int)
	running int
	listed  bool
	first   bool
	idle    sync.Cond
}

// NewQueue returns an empty queue.
func (p *Pool) NewQueue(limit int) *Queue {
	q := &Queue{pool: p, limit: max(limit, 1)}
	q.idle.L = &p.mu
	return q
}

// Add appends tasks. A task is given the number of its worker, below the pool's size, and must not panic.
func (q *Queue) Add(tasks ...func(worker int)) {
	q.pool.mu.Lock()
	defer q.pool.mu.Unlock()
	q.tasks = append(q.tasks, tasks...)
	q.pool.now.Waiting += len(tasks)
	q.list()
}

// list puts the queue in turn if it may run a task. Called locked.
func (q *Queue) list() {
	if q.listed || len(q.tasks) == 0 || q.running >= q.limit {
		return
	}
	q.listed = true
	q.pool.turn(q)
	q.pool.wake.Signal()
}

// First has the queue's tasks go before those of others, but not twice in a row: it is for reads of a few rows.
func (q *Queue) First() { q.first = true }

// turn puts a queue behind those that wait, or before them. Called locked.
func (p *Pool) turn(q *Queue) {
	if p.hurried = q.first && !p.hurried; p.hurried {
		p.ready = slices.Insert(p.ready, 0, q)
		return
	}
	p.ready = append(p.ready, q)
}

// Close drops the tasks that have not begun and waits for those that have.
func (q *Queue) Close() {
	p := q.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now.Waiting -= len(q.tasks)
	q.tasks = nil
	if q.listed {
		q.unlist()
	}
	for q.running > 0 {
		q.idle.Wait()
	}
}

func (q *Queue) unlist() {
	p := q.pool
	q.listed = false
	for i, r := range p.ready {
		if r == q {
			p.ready = append(p.ready[:i:i], p.ready[i+1:]...)
			return
		}
	}
}
