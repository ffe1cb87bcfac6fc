export default {
  mode: 'production',
  entry: './app.js',
  optimization: { minimize: false },
  output: { filename: 'app.js' },
}
