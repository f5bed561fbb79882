// Package jail confines a helper process: this program started again, in which libhdf5 reads a hostile file or a plug-in gets a
// chunk's bytes.
//
// Start starts one with its pipes, by a command that Settle prepares. What the kernel keeps of each thread on its own (capabilities, no_new_privs, the death of
// the parent) is given up before Go has a second thread, by a constructor in C (enter.c). Enter limits memory and leaves a list of
// system calls that opens files for reading, which loading a plug-in takes; Seal leaves one without. Neither list has another process, a
// socket, a program or a mount in it. What is missing of that is an error: a helper then does not start. Nothing is returned that is owned.
package jail
