export { type CameraOptions, closeCamera, openCamera } from './camera.web.ts'
export { defineVertebraView } from './define.web.ts'
export type { VertebraView, VertebraViewEvents } from './element.web.ts'
