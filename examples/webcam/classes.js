// Which classes are shown.

export function createClassList(onChange) {
  const list = document.querySelector('#classes-list')
  const count = document.querySelector('#classes-count')
  const boxes = () => [...list.querySelectorAll('input')]

  function changed() {
    const total = boxes().length
    const chosen = boxes().filter(({ checked }) => checked).length
    count.textContent = chosen === total ? 'all' : `${chosen} of ${total}`
    onChange()
  }
  function setAll(checked) {
    for (const box of boxes()) box.checked = checked
    changed()
  }
  list.addEventListener('change', changed)
  document.querySelector('#classes-all').addEventListener('click', () => setAll(true))
  document.querySelector('#classes-none').addEventListener('click', () => setAll(false))

  return {
    /** Offers these labels; those that were left out before stay so. */
    offer(labels) {
      const hidden = boxes().filter(({ checked }) => !checked)
      const names = new Set(hidden.map(({ value }) => value))
      list.replaceChildren(
        ...labels.map((name) => {
          const label = document.createElement('label')
          const box = document.createElement('input')
          Object.assign(box, { type: 'checkbox', value: name, checked: !names.has(name) })
          label.append(box, name)
          return label
        }),
      )
      changed()
    },
    shows: (name) => boxes().some(({ value, checked }) => checked && value === name),
  }
}
