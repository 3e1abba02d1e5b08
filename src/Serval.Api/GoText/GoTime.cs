namespace Serval.Api.GoText;

/// <summary>What Go says of a text that is no time of RFC 3339 (time.Parse with the layouts of apimachinery's Time and MicroTime).</summary>
public static class GoTime
{
    private const string Seconds = "2006-01-02T15:04:05Z07:00";
    private const string Micros = "2006-01-02T15:04:05.000000Z07:00";

    /// <summary>The message; null for a text that Go reads.</summary>
    /// <param name="text">What was sent.</param>
    /// <param name="micro">Whether six digits of a second's fraction are wanted.</param>
    public static string? Complaint(string text, bool micro)
    {
        var reader = new Reader(text, micro ? Micros : Seconds);
        reader.Number("2006", 4, 4, 0, 9999, "year", out var year);
        reader.Literal("-");
        reader.Number("01", 2, 2, 1, 12, "month", out var month);
        reader.Literal("-");
        reader.Number("02", 2, 2, 0, 99, "day", out var day);
        reader.Literal("T");
        reader.Number("15", 1, 2, 0, 23, "hour", out _);
        reader.Literal(":");
        reader.Number("04", 2, 2, 0, 59, "minute", out _);
        reader.Literal(":");
        reader.Number("05", 2, 2, 0, 59, "second", out _);
        reader.Fraction(micro);
        reader.Zone();
        reader.End(year, month, day);
        return reader.Wrong;
    }

    /// <summary>Reads part by part; after the first that is wrong nothing more is read.</summary>
    private ref struct Reader(string text, string layout)
    {
        private ReadOnlySpan<char> _rest = text;

        public string? Wrong { get; private set; }

        public void Literal(string expected)
        {
            if (Wrong is not null)
            {
                return;
            }
            if (_rest.StartsWith(expected, StringComparison.Ordinal))
            {
                _rest = _rest[1..];
            }
            else
            {
                Mismatch(expected);
            }
        }

        public void Number(string element, int fewest, int most, int least, int greatest, string name, out int value)
        {
            value = 0;
            if (Wrong is not null)
            {
                return;
            }
            var digits = 0;
            while (digits < most && digits < _rest.Length && char.IsAsciiDigit(_rest[digits]))
            {
                value = (value * 10) + _rest[digits++] - '0';
            }
            if (digits < fewest)
            {
                Mismatch(element);
                return;
            }
            _rest = _rest[digits..];
            if (value < least || value > greatest)
            {
                Say($": {name} out of range");
            }
        }

        /// <summary>Six digits behind the second where the layout has them; else as many as there are, or none.</summary>
        public void Fraction(bool micro)
        {
            if (Wrong is not null)
            {
                return;
            }
            var digits = 0;
            if (_rest.Length > 0 && _rest[0] is '.' or ',')
            {
                while (digits + 1 < _rest.Length && char.IsAsciiDigit(_rest[digits + 1]) && (!micro || digits < 6))
                {
                    digits++;
                }
            }
            if (micro && digits < 6)
            {
                Mismatch(".000000");
            }
            else if (digits > 0)
            {
                _rest = _rest[(digits + 1)..];
            }
        }

        public void Zone()
        {
            if (Wrong is not null)
            {
                return;
            }
            if (_rest is ['Z', ..])
            {
                _rest = _rest[1..];
                return;
            }
            if (_rest is not [var sign, var h1, var h2, ':', var m1, var m2, ..] || !char.IsAsciiDigit(h1) || !char.IsAsciiDigit(h2)
                || !char.IsAsciiDigit(m1) || !char.IsAsciiDigit(m2))
            {
                Mismatch("Z07:00");
                return;
            }
            var (hours, minutes) = (((h1 - '0') * 10) + h2 - '0', ((m1 - '0') * 10) + m2 - '0');
            if (sign is not ('+' or '-'))
            {
                Mismatch("Z07:00");
                return;
            }
            _rest = _rest[6..];
            if (hours > 24 || minutes > 60)
            {
                Say($": time zone offset {(minutes > 60 ? "minute" : "hour")} out of range");
            }
        }

        public void End(int year, int month, int day)
        {
            if (Wrong is not null)
            {
                return;
            }
            if (_rest.Length > 0)
            {
                Say($": extra text: {GoQuote.Quote(_rest.ToString())}");
            }
            else if (day < 1 || day > DateTime.DaysInMonth(year == 0 ? 4 : year, month))
            {
                Say(": day out of range");
            }
        }

        private void Mismatch(string element) => Say($" as {GoQuote.Quote(layout)}: cannot parse {GoQuote.Quote(_rest.ToString())} as {GoQuote.Quote(element)}");

        private void Say(string what) => Wrong = $"parsing time {GoQuote.Quote(text)}{what}";
    }
}
