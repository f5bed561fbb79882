// Package chunkstats holds what is known of the values in the chunks of a file's datasets: bounds and counts by column.
//
// A Set belongs to one state of one file and may be used by several goroutines at once. Its bytes are of a budget; where
// that has no room nothing more is noted. What was kept of it on disk it asks for column by column, when each is first used, and
// News are the columns that are to be kept. A Meter belongs to one goroutine and does not allocate for numbers.
package chunkstats
