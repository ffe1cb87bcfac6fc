export * from './index.common.ts'
