window.test_sheet = {
    Sheet: props => {
        const cell = row => name => React.createElement('td', {key: name}, row[name]);
        const line = (row, index) => React.createElement('tr', {key: index}, Object.keys(row).map(cell(row)));
        const body = React.createElement('tbody', null, (props.data || []).map(line));
        return React.createElement('table', {id: props.id}, body);
    },
};
