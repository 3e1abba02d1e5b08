namespace Serval.ApiServer.Selectors;

/// <summary>The tokens of a label selector: operators, brackets, commas, and words, which may be <c>in</c> and <c>notin</c> (apimachinery: labels.Lexer).</summary>
internal sealed class LabelTokens
{
    private const string Special = "=!(),><";

    private readonly string _text;
    private int _at;

    public LabelTokens(string text)
    {
        _text = text;
        Read();
    }

    public bool AtEnd { get; private set; }

    /// <summary>The next token; empty at the end.</summary>
    public string Next { get; private set; } = "";

    public bool IsWord => !AtEnd && !Special.Contains(Next[0], StringComparison.Ordinal);

    public string Take()
    {
        var taken = Next;
        Read();
        return taken;
    }

    private void Read()
    {
        while (_at < _text.Length && IsSpace(_text[_at]))
        {
            _at++;
        }
        AtEnd = _at >= _text.Length;
        var start = _at;
        if (!AtEnd && Special.Contains(_text[_at], StringComparison.Ordinal))
        {
            _at += _text.AsSpan(_at) is ['=' or '!', '=', ..] ? 2 : 1;
        }
        else
        {
            while (_at < _text.Length && !IsSpace(_text[_at]) && !Special.Contains(_text[_at], StringComparison.Ordinal))
            {
                _at++;
            }
        }
        Next = _text[start.._at];
    }

    private static bool IsSpace(char c) => c is ' ' or '\t' or '\r' or '\n';
}
