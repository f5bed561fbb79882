// Package sched runs the tasks of many reads on a number of workers, fairly: owners take turns, and of one owner's reads each free worker takes
// the next task of the one that has waited longest. Workers whose tasks wait for a disk are lent: as many others work meanwhile.
//
// A Pool owns its worker goroutines until Close; a Queue holds the tasks of one read, in order.
package sched

import (
	"runtime"
	"slices"
	"sync"
)

// Pool is a set of workers. Safe for concurrent use.
type Pool struct {
	mu      sync.Mutex
	wake    sync.Cond
	ready   []*Queue // with tasks and below their limit, in turn
	turn    int64    // of who was served last
	size    int      // workers that there should be
	alive   int      // and are
	idle    int      // of them without a task
	closed  bool
	hurried bool // who was served last went before others
	done    sync.WaitGroup
	now     Load
}

// mostWorkers bounds them with those that stand in for others.
const mostWorkers = 1 << 10

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
	p := &Pool{size: n}
	p.wake.L = &p.mu
	p.mu.Lock()
	defer p.mu.Unlock()
	for range n {
		p.start()
	}
	return p
}

// Lend has n more workers at work, since so many tasks that run wait for a disk; a negative n takes them back.
func (p *Pool) Lend(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.size += n
	p.grow()
}

// start starts a worker. Called locked.
func (p *Pool) start() {
	p.alive++
	p.done.Go(p.work)
}

// grow starts a worker where a task waits for one that is lent. Called locked.
func (p *Pool) grow() {
	if len(p.ready) > p.idle && p.alive < min(p.size, mostWorkers) && !p.closed {
		p.start()
	}
}

// Close ends the workers once their running tasks have ended; queues must be closed before.
func (p *Pool) Close() {
	p.mu.Lock()
	p.closed = true
	p.wake.Broadcast()
	p.mu.Unlock()
	p.done.Wait()
}

func (p *Pool) work() {
	for {
		q, task := p.next()
		if task == nil {
			return
		}
		task()
		p.finished(q)
		runtime.Gosched() // whoever sends, or asks for a row, does not wait for another task
	}
}

// next waits for a task; nil ends the worker, which is one too many or of a closed pool.
func (p *Pool) next() (*Queue, func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.ready) == 0 || p.alive > p.size {
		if p.closed || p.alive > p.size {
			p.alive--
			p.wake.Signal() // who was woken for a task may be the one too many
			return nil, nil
		}
		p.idle++
		p.wake.Wait()
		p.idle--
	}
	q := p.ready[p.pick()]
	q.unlist()
	p.turn, p.hurried = max(p.turn, q.turn), q.first
	task := q.tasks[0]
	q.tasks = q.tasks[1:]
	q.running++
	p.now.Waiting--
	p.now.Running++
	q.list()
	p.grow()
	return q, task
}

// pick is the place of who is next: one that goes First, but not twice in a row. Called locked.
func (p *Pool) pick() int {
	return max(0, slices.IndexFunc(p.ready, func(q *Queue) bool { return q.first != p.hurried }))
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
	owner   any
	turn    int64
	limit   int
	tasks   []func()
	running int
	listed  bool
	first   bool
	idle    sync.Cond
}

// NewQueue returns an empty queue, which takes turns with those of other owners: comparable; nil is one by itself.
func (p *Pool) NewQueue(owner any, limit int) *Queue {
	q := &Queue{pool: p, owner: owner, limit: max(limit, 1)}
	q.idle.L = &p.mu
	return q
}

// Add appends tasks, which must not panic.
func (q *Queue) Add(tasks ...func()) {
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
	q.pool.line(q)
	q.pool.wake.Signal()
	q.pool.grow()
}

// First has the queue's tasks go before those of others, but not twice in a row: it is for reads of a few rows.
func (q *Queue) First() { q.first = true }

// line puts a queue behind those of its turn. Called locked.
func (p *Pool) line(q *Queue) {
	q.turn = p.turnOf(q.owner)
	behind := slices.IndexFunc(p.ready, func(r *Queue) bool { return r.turn > q.turn })
	if behind < 0 {
		behind = len(p.ready)
	}
	p.ready = slices.Insert(p.ready, behind, q)
}

// turnOf is the turn after the last one of an owner's queues that wait. Called locked.
func (p *Pool) turnOf(owner any) int64 {
	turn := p.turn
	for _, r := range p.ready {
		if owner != nil && r.owner == owner {
			turn = max(turn, r.turn)
		}
	}
	return turn + 1
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

// unlist takes a queue that is in turn out of it. Called locked.
func (q *Queue) unlist() {
	at := slices.Index(q.pool.ready, q)
	q.pool.ready = slices.Delete(q.pool.ready, at, at+1)
	q.listed = false
}
