"""Patterns of plain Spanish words without accents: requests for no more calls, and phrases that only look like one.

They have the same form as the English patterns (`opt_out_english`).
"""

from __future__ import annotations

_SUBJ = r"(?:llame|marque|contacte|escriba|moleste|busque|telefonee|fastidie)[ns]?"
_INF = r"(?:llamar|marcar|contactar|molestar|escribir|hablar|buscar|fastidiar|acosar)"
_GER = r"(?:llamando|marcando|molestando|contactando|escribiendo|hablando|buscando)"
_DIA = r"(?:lunes|martes|miercoles|jueves|viernes|sabados?|domingos?|fin(?:es)?)"
_LUEGO = "|".join(
    (
        *(
            "antes",
            "despues",
            "hasta",
            "luego",
            "hoy",
            "manana",
            "ahora",
            "ahorita",
            "durante",
            "entre",
            "cuando",
            "mientras",
        ),
        *("senor", "senora", "senorita", "don", "dona", "asi", "por mi nombre"),
        rf"(?:el|los|en) {_DIA}",
        r"(?:por|en) la (?:manana|noche|tarde)|de noche",
        r"(?:tan|muy|tarde|temprano)",
        (
            r"a (?:esta|estas|esa|esas|la|las) (?:horas?|una|dos|tres|cuatro|cinco|seis|siete|ocho|nueve|diez"
            r"|once|doce|\d+)"
        ),
    )
)
_SACAR = r"(?:quit|saqu|sac|borr|elimin|tach|retir)"
_DE_LISTA = (
    r"(?: (?:de|del)(?: \w+){0,3}? (?<!espera )(?:listas?|sistema|base|registros?|directorio"
    r"|llamadas)\b(?! de espera))"
)
_FIN = r"(?=$| (?:por favor|ya|y no|gracias|porfavor|porfa|no|ahora|inmediatamente)\b)"
_NUMERO = r"(?:mi|este|ese|nuestro|el)(?: \w+)? (?:numero|nombre|telefono|celular)\b(?! de (?:la|mi) cuenta)"

NO_WISHES = (
    rf"\b(?:ya )?no (?:me |nos )?(?:{_SUBJ}|vuelvan? a {_INF})(?:me|nos)?(?: mas)? (?:{_LUEGO})\b(?! (?:ni|o) nunca)",
    (
        r"\bno (?:quiero|deseo)(?: \w+){0,3} (?:llamadas|mensajes|llamen?)(?: mas)? (?:antes|despues|durante"
        r"|hasta|por la|de noche)\b"
    ),
    r"\bno (?:me |nos )?(?:llame|escriba)[ns]?(?: \w+){0,4}(?: \|)?(?: mejor| solo)? llame(?:me|nos|n)\b",
    r"\bno (?:me |nos )?dejen? de\b(?: \w+)?|\bno dejes de\b(?: \w+)?",
    rf"\bno (?:me|nos) {_SACAR}[ea]n?\b(?: \w+){{0,3}}",
    (
        r"\bno (?:llame|marque)[ns]? (?:al (?!celular|trabajo|numero)|a la (?!casa|oficina)|a los|a las"
        r"|a nadie|a un|la)\b"
    ),
    r"\b(?:perder|perderme)(?: \w+){0,2} llamadas?\b",
)
WISHES = (
    rf"\bno (?:me |nos )?{_SUBJ}\b",
    r"\bno (?:me|nos) hable[ns]?(?=$| (?:mas|otra vez|de nuevo|nunca|por telefono)\b)",
    rf"\bno (?:me |nos )?(?:vuelvan?|vuelvas|volver)(?: nunca| jamas)? a {_INF}",
    rf"\bno (?:me |nos )?(?:esten?|estes|sigan?|sigas) {_GER}\b",
    r"\bno (?:llamar|marcar|molestar|contactar)(?:me|nos)\b|^(?:por favor )?no llamar\b|\blista de no llamar?\b",
    r"\bya no (?:me |nos )?hable[ns]?\b",
    rf"\b(?:dejen?|deja|dejes|paren?|para|basta|cesen?)(?: ya)? de (?:estar )?(?:{_INF}|{_GER})",
    (
        r"\bno (?:quiero|deseo|necesito|acepto|autorizo|permito)(?: \w+){0,3}? "
        rf"(?:llamadas|mensajes|llame[ns]?|llamando|marque[ns]?|contacten?|molesten?|hablen?|vuelvan? a {_INF})\b"
    ),
    r"\b(?:no mas|ni una|ninguna)(?: de)?(?: sus?)? (?:llamadas?|mensajes?)\b",
    r"\b(?:dije|dicho|pedi|pedido)(?: \w+){0,2}? que no (?:me |nos )?(?:llam|marc|molest|contact|habl)\w*",
    rf"\b{_SACAR}[ea]n?(?:me|nos)(?:{_DE_LISTA}|{_FIN})",
    rf"\b{_SACAR}ar(?:me|nos)?{_DE_LISTA}|\b{_SACAR}ar(?:me|nos)(?:$| por favor)",
    rf"\b(?:me|nos) {_SACAR}[ea]n?(?:{_DE_LISTA}|{_FIN})",
    rf"\b{_SACAR}(?:[ea]n?|ar) {_NUMERO}",
    (
        r"\b(?:deme|denme|dame|darme|darnos|dar|dese|me den?|me dan?) de baja\b"
        r"(?! (?:mi|el|la|un|una|este|esta|ese|esa) (?!numero|telefono|celular|nombre))"
    ),
    r"\bdej[ea]n?(?:me|nos) (?:en paz|tranquil[oa]s?)\b",
    r"\b(?:revoco|retiro|cancelo|revocar|retirar)(?: mi| el)? (?:consentimiento|autorizacion|permiso)\b",
    (
        r"\bno (?:doy|di|tienen?)(?: mi| el)? (?:consentimiento|autorizacion|permiso)\b(?! (?:para"
        r"|de) (?:grabar|que graben))"
    ),
)
