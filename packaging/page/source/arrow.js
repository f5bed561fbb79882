export { RecordBatchReader, tableFromIPC } from 'apache-arrow';
