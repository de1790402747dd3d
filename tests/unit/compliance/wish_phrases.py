"""Phrases of called persons: wishes for no more calls, and phrases that sound similar."""

from __future__ import annotations

WISHES = """
Stop calling me.
please STOP calling
Can you stop, calling this number?
I want you to stop calling my house
Quit calling here!
Would you please quit bothering me?
Please don't call me again.
Do not call me
don't call
Don't ever call me again, I mean it
Don't call this number again.
Never call me again
don't call me at work or anywhere
No more calls, please.
No more sales calls.
Take me off your list.
please take my number off your calling list
take us off of the list
Remove me from your list
Remove my number
Delete my phone number from your system
Lose my number.
Put me on your do not call list
put this number on the do-not-call registry
Opt me out
I'd like to opt out of these calls
I'm opting out.
unsubscribe
Leave me alone!
I don't want any more calls
I do not want to be called
I don't want to receive these calls
I no longer wish to receive your messages
I don't want to hear from you
stop texting me
No me llame más
No me llamen
Por favor, no me vuelva a llamar.
no vuelvan a llamar a este número
Ya no me llamen
Deje de llamarme
dejen de molestar
Paren de llamar
No quiero más llamadas
no quiero recibir sus llamadas
No deseo que me llamen
Quíteme de su lista
Sáquenme de la lista
Bórreme de su lista
Eliminen mi número
Deme de baja
Quiero dar de baja
Déjeme en paz
stop calling my phone
Don't call me again or I will call the police
Do not call me, I will call my lawyer
Take me off the list for these calls
take me off your list for good
Your company keeps calling me, make them stop calling me
stop calling this number
stop calling
stop callin me
stop callin' me
don't call me no more
don't call me anymore
don't call this number
don't call my house
don't call my cell
don't call here again
do not call here anymore
don't ever call me again
don't you ever call me again
don't you dare call me again
please do not call
please don't call me, I'm not interested
never call here again
never call this number again
I said don't call me
take me off the list
take me off your call list
take my name off
take us off
take this number off your list
can you take me off
remove me
remove us from your list
remove my phone number
remove this phone number from your list
put me on the do not call
add me to your do-not-call list
I want to be on the do not call list
I want to be removed
I'd like to be removed from your list
I'd like to be taken off your list
please unsubscribe me
delete my number
quit calling
quit calling me
cease and desist
cease calling
I don't want you to call me
I don't want you calling me
I don't want to be contacted
I don't want these calls
I no longer wish to receive calls
I don't wanna be called
I don't wanna get these calls anymore
I revoke my consent
I revoke consent
I withdraw my consent
I do not consent to these calls
you don't have permission to call me
no more calls please
no calls please
leave us alone
opt out
I opt out
I want to opt out
stop contacting me
stop bothering me
stop harassing me
stop robocalling me
stop spamming me
stop it with the calls
you need to stop calling
you guys keep calling me, stop
you people need to stop calling me
would you stop calling me
I told you to stop calling
I've told you not to call
I asked you not to call me
I told you not to call me again
I've asked you guys to not call me
I'd rather you not call me
I'd prefer you didn't call
could you not call me again
can you not call me anymore
please no more
don't call back
don't call me back
don't bother calling again
don't bother me again
don't contact me
do not contact us again
do not text me
don't text
I'm on the do not call list
I'm on the do not call registry
this number is on the do not call list
block me from your list
scratch me off your list
cross me off your list
scrub my number
end calls
not interested, take me off
not interested don't call again
dont call me tomorrow or ever again
don't call me, the answer is no
don't call me a second time
don't call me right
don't call me until hell freezes over
don't call me at this number
don't call me at home
don't call me at work
don't call me on this number
don't call me on my cell
don't call me about this
don't call me for this
don't call me if
don't call me with this
don't call me for anything
don't call me from this number
don't call me like this
don't call me every day
don't call me unless
don't call me this is
don't call me we are
don't call me he is
don't call me this is the third time
don't call me this number is a business
don't call us we're not interested
don't call me my husband died
don't call me just stop
don't call me not interested
don't call me bye
don't call me goodbye
don't call me no
don't call me yeah
don't call me dude
don't call me man
don't call me alright
don't call me all right
don't call me today or any day
Stop. Calling. Me.
stop, calling me
please stop
just stop
stop please
okay stop
can you please stop
hang up and don't call
goodbye and don't call
wrong number don't call
wrong number, stop calling
stop all calls
stop all future calls
stop the calls
stop these calls
stop your calls
stop making these calls
stop sending me calls
discontinue calling me
no longer call me
no further calls
don't make any more calls to me
don't phone me
don't ring me again
don't dial this number again
don't dial me again
stop dialing me
stop dialing my number
never contact me again
take my number out of your system
get me off this list
get my number off your list
get rid of my number
erase my information
delete me from your database
delete me
forget me
do not disturb
purge my number
take me out of your database
take me off of your list
take my mom off your list
take my number off
take that number off
take off my number
take off my name
take the number off your list
remove the number
remove my name
remove my mother's number
remove it from your list
remove my info from your list
remove number
I am not interested remove
no me llamen más
no me llames
no me vuelva a llamar
no me vuelvan a llamar
no vuelva a llamarme
no vuelvan a llamarme
no vuelvas a llamarme
no llame más
no llamen más
no llame
no llamen
no llame aquí
no llamen a este número
no llame a mi casa
ya no me llame
ya no llamen
ya no quiero que me llamen
no quiero que me llamen
no quiero que me llame
no quiero que me estén llamando
no quiero recibir llamadas
no quiero sus llamadas
no deseo recibir más llamadas
no me interesa, no llame
deje de llamar
dejen de llamarme
dejen de molestarme
deja de llamarme
deje de molestar
pare de llamarme
quítenme de la lista
sáqueme de la lista
sáquenme de su lista
bórreme
bórrenme de su lista
elimíneme de su lista
elimine mi número
borre mi número
quite mi número de su lista
me puede quitar de su lista
me puede sacar de la lista
quiero que me quiten de la lista
puede borrar mi número
puede quitarme de la lista
quiero que me borren
denme de baja
darme de baja
dese de baja
déjenme en paz
déjame en paz
no me moleste
no me molesten más
no moleste
no molesten
no más llamadas
ya no me marque
no me marque
no me marquen más
no me vuelva a marcar
no me marque a este número
deje de marcarme
dejen de marcar
no me hable más
no me hables
no me busquen
no me contacte
no me contacten
no me estén llamando
no me siga llamando
no sigan llamando
deje de estar llamando
quítame de tu lista
sácame de la lista
bórrame de tu lista
táchame de la lista
retíreme de la lista
retiren mi número
me da de baja
quiero darme de baja
revoco mi consentimiento
no autorizo llamadas
no llamar
stop llamarme
no thank you don't call me again
thank you don't call me again
I told you don't call me
I'm asking you please don't call me
you don't call me again
screw you don't call me
Don't call me. Today I am busy.
no I don't take me off your list
take me off I'm not interested
take me off your list today
please take me off the list right now
can you remove me from your calling list
I'd like to have my number removed
I want my number removed
please have my number removed from your list
remove our number
why won't you stop calling me
why don't you stop calling me
stop calling me now
stop calling me every day
I asked to be removed from this list
please remove this number
I said take me off
I'm not interested please stop
not interested please don't call
do not call this phone again
I don't want your call
I don't want calls from you
I don't want any calls
I do not want any sales calls
I don't wish to be contacted again
please quit calling my phone
y'all need to quit calling me
stop please stop
Please don't ever contact me again
please delete my information
this is a business don't call here
would you please take my number off of your list
get me off your list
don't you call me again
I am asking you to never call me again
I've asked you to stop calling
you've been told not to call
you were told not to call here
don't call us anymore
I do not consent to being called
you do not have my consent to call me
I never gave you permission to call me
I take back my consent
I want off your list
I want off this list
drop me from your list
please no more calls
do not call me at home at all
never ever call me
don't call me please I'm begging you
that's enough don't call
Ya no me llame por favor
por favor no me llame
no vuelva a llamar
No me esté llamando
Ya no llame
Que no me llame
Le dije que no me llamara
Les pedí que no llamaran más
No gracias no me llame más
Ya no quiero llamadas
¿Me puede quitar de su lista?
¿Puede quitar mi número?
¿Puede sacarme de su lista por favor?
Quiero que me saque de su lista
Dejen de llamar a este número
Bórreme de la lista por favor
no quiero nada, no llame
deje de hablarme
ya déjeme en paz
no quiero que me vuelvan a llamar
no me interesa no me llame
no vuelva a marcar
No me vuelva a hablar
elimine mi número de su base de datos
Ne m'appelez plus
Ne m\u2019appelez plus jamais
Ne me rappelez plus, s'il vous plaît
N'appelez plus ce numéro
Je vous prie de ne plus m'appeler
Je vous demande de ne plus jamais nous appeler
Arrêtez de m'appeler
arrêtez de nous déranger
Cessez de me contacter
Cessez d'appeler
Arrêtez vos appels
Arrêtez de m'envoyer des textos
plus d'appels s'il vous plaît
Je ne veux plus recevoir d'appels
Je ne veux plus être appelé
Je ne veux pas que vous m'appeliez
J'veux pas d'appels
Je ne souhaite plus être contactée
Retirez-moi de votre liste
retirez moi de la liste s'il vous plaît
Enlevez-moi de vos listes
Enlevez mon numéro
Supprimez mon numéro de votre système
Rayez-nous de votre fichier
Veuillez me retirer de votre liste d'appels
Pouvez-vous m'enlever de votre liste
Désinscrivez-moi
Désabonnez-moi
Laissez-moi tranquille
Laissez-nous en paix
Je retire mon consentement
Mettez-moi sur la liste des numéros exclus
Ne me contactez plus
Ne m'écrivez plus
Ne me textez plus
M'appelez plus
Appelez-moi plus jamais
On m'a dit que vous ne m'appelleriez plus, ne m'appelez plus
""".strip().splitlines()

#: Inside a sentence these words have several meanings.
WHOLE = """
Please don\u2019t call me anymore
stop
Stop it!
no más
Alto
basta
I said stop
S T O P
uh stop
stop now
stop it please
stop stop stop
can you stop
Please make it stop
I want you to stop
end
no mas
basta ya
ya basta
pare
pare por favor
por favor pare
Stop, okay?
""".strip().splitlines()

OTHERS = """
Ne m'appelez pas avant neuf heures
Ne m'appelez pas demain, je serai absent
Ne nous appelez pas le matin
Ne m'appelez pas monsieur
N'arrêtez pas de m'appeler
Ne me retirez pas de la liste
Pourquoi ne m'appelez-vous plus ?
Appelez-moi plus tard
Rappelez-moi demain
Retirez-moi de la liste d'attente
Je ne veux plus attendre
Je ne veux pas manquer votre appel
Mon numéro a changé, appelez-moi sur mon cellulaire
Je n'ai plus de questions
Supprimez le rendez-vous de jeudi
J'attends votre appel
Arrêtez l'enregistrement
Vous pouvez enlever le deuxième article de la commande
Il m'a appelé plus de trois fois
Envoyez-moi plus de détails
Pouvez-vous me rappeler plus tard
Vous m'appelez plus tard ?
Merci de me contacter plus tard
Il nous contacte plus tard
Vous devriez nous appeler plus souvent
Je vous appelle plus tard
Laissez-moi un message
Do not call me, I will call you back.
don't call me I'll call you
Please don't call us, we will contact you
Please take me off the list for Tuesday's appointment.
take my name off the waiting list for the class
remove us from your list for the 5 pm tour
My bank keeps calling me, can you make them stop calling me?
Some company keeps calling, how do I get them to stop calling me
Please don't call after five, I'm at work until then
I don't want to be on hold
I never said stop
I want to remove my card
please remove the late fee
I need to delete my account
I want to cancel
stop by anytime
when does the bus stop
I'd like to stop my service
please stop my subscription
I want to stop the payment
my heart won't stop
the calls don't stop coming
the call was dropped
I couldn't take your call
sorry I can't talk now call me back
sorry I cannot take calls right now
don't you want to call me back
don't worry about calling me
do not worry
I do not know
you don't have to call me back
you don't need to call me
no need to call back
I'm on the list for the waiting room
remove the first item from the list
remove me from the call
please remove the dog from the policy
take him off the policy
can you take her off the account
please take my wife off the insurance
get me out of this contract
get me out of here
take that off the bill
take it off my bill
I'm calling to stop a check
stop payment on the check
end of story
I don't get calls from my son
I don't like being on hold
I want to be called tomorrow
I would like to be contacted by email
please don't cancel
no me cuelgue
no me diga
no me mande correos, llámeme
ya no necesito la cita
quiero quitar un cargo
bórreme la cita
no quiero cancelar
no quiero esperar
no llame al 911
pare el coche
para qué me llama
basta con eso
¿en cuánto sale dar de baja la línea?
Hello. Who is calling, please?
Yes, but please keep it short.
Please don't stop calling, I like it.
Do not stop calling me
Don't call me before nine.
please don't call me until Monday
Don't call me sir
don't call me a liar
Call me back tomorrow.
Can you call again later?
Stop by the office any time.
I will stop at the shop and call you.
The bus stop is around the corner.
What is your number?
Is this about the list?
I called you yesterday and nobody answered.
Let me remove my glasses first.
My daughter never calls me.
Nobody called me back.
No, more or less.
It is. Thank you for asking.
How can I opt in?
Me llamo Juan.
No me llamo Pedro
¿Puede llamarme mañana?
Llámeme más tarde.
No me llame antes de las nueve
Quiero hablar con una persona.
La parada está cerca.
Hi, you've reached John. I can't come to the phone right now. Please leave a message.
To stop receiving calls from voicemail, press two. To leave a callback number, press five.
You have reached the voicemail box of five five five. At the tone please record your message.
The person you are trying to reach is not accepting calls at this time.
I don't want to miss your call
I don't want the call to drop
I do not want a text, I want a call
I don't want messages, just call me
I don't want to be called Bob, call me Robert
I don't like calling people
I don't want you to stop calling
Don't text me, call me instead
Please don't text, just call
Do not text me, calls are fine
I don't want texts from you just calls
When did you stop calling customers on Sundays
Can you take me off hold
get me off hold please
take me off speaker
take me off this plan and put me on the other plan
take me off the waiting list
remove me from the waitlist
remove my number from the account and add my new number
remove me from the premium plan please
delete my number and use this one instead
forget my number, let me give you another number
You can forget my number plate
Don't call the police
I don't have any more messages
I have no more messages
I can't opt out of the benefits?
Do I have to opt out of paperless billing
I want to opt out of the insurance
How do I unsubscribe from the newsletter but keep calls
don't call me back, I'll call you
don't call me back I'll hold
never call during lunch
Did you say you never call?
You never call me back
You guys never call back
they never call
he never contacts me
why don't you call me
why don't you call me back
Why don't you call back
why do not you call me
I don't call back
I don't call
we do not call
you don't call
If I don't call back
please don't hesitate to call me
If you don't call me I will be upset
I don't text
you don't text me enough
They do not call anymore
the doctor did not call me back
leave me alone with him for a second
no me llame antes de las nueve
no me llame señor
no me llamo Juan
no me llamo así
no me llaman
no me llames tan temprano
no me llame tan tarde
no me llame a mi trabajo, llámeme al celular
no me llame mañana, llámeme el lunes
no me llame el lunes
no me llamaron
por qué no me llaman
elimíneme el cargo
quíteme el cargo por favor
quíteme la cuota
sáqueme una duda
sáqueme una cita
bórreme ese cargo
no quiero llamadas después de las ocho
no quiero perder la llamadas
no me escriba, llámeme
I said stop the car
The bus doesn't stop ringing
It won't stop ringing
I can't stop calling
I couldn't stop calling you
The kids don't stop bothering me
my phone stopped ringing
I did not ask you to stop calling
no one said stop calling
I'm not asking you to stop calling
please never stop calling
Won't you stop by and call
Can you take me off hold?
Why don't you call me back?
Don't call me back, I'll call you
Quíteme el cargo, por favor
Sáqueme una cita
Don't call me at nine
don't call me at night
please don't call me on Sundays
Don't call me in the morning
don't call me while I'm at work
I don't want to be called before nine
please do not call before ten
I asked you not to call me before nine
don't remove me from your list
don't take me off the list
I don't want to be removed from the list
I don't want to opt out
I don't want to unsubscribe
I'll stop calling you
did you stop calling people
When will the pain stop
please stop the subscription
stop the order
Stop the car
Cancel my appointment
can you cancel it
I want to end the lease
My phone stopped working
no calls came through
I have no calls today
there were no more messages
you never call
if you don't call I'll worry
They don't call me anymore
my friends never call
How do I get off the freeway
take the first exit off the list
I was taken off the waiting list
take me off mute
I don't want a text
Don't forget to call me
don't hesitate to call
please call me again
never mind
Do I need to call you
I do not know who called
get me the number
What's my number?
the number you have is right
I removed the battery
delete my appointment
lose weight
my name is Mark
Don't call the doctor
don't call an ambulance
I don't want to talk to a machine
I don't like this color
No, don't, I'll wait
I never called you
you didn't call me
I do not have a phone number
no I did not call
¿Por qué no me llama?
No deje de llamarme
No me llamó nadie
quiero sacar una cita
quiero borrar una cita
No me quite de la lista
no me llame tan temprano
No me llame por la noche
Hable más despacio, no me hable tan rápido
¿Me puede llamar más tarde?
No quiero perder su llamada
quíteme una duda
dar de baja mi servicio
no me marque el lunes
espere, pare un momento
""".strip().splitlines()

#: Common transcriptions of speech.
UNPUNCTUATED = """
I want to be taken off the list
I told you not to call me
Okay, stop.
hi um please don't call me okay bye
yeah hi can you please take me off of your call list thank you
this is the third time you've called stop calling
I already told you people to stop calling me
listen I don't know how you got this number but don't call it again
take my number off your list or I'll sue
you need to take me off your list
I need you to take me off your list
could you remove me from your database
do me a favor and don't call back
please do not call anymore I have an attorney
what part of stop calling don't you understand
I'm not interested, don't call me again, please
how do I get off your list
how do I get you to stop calling
can I get off this list
how do I stop these calls
how can I stop getting these calls
I've been on the do not call list for years
I don't need you calling me
quit it with the calls
stop with the calls
I never want to hear from you again
I don't ever want to hear from you again
never want another call from you
no more calls to this number
I do not want you to contact me in any way
please make sure I don't get called again
make sure you don't call me again
I'd appreciate it if you didn't call me
I'd appreciate it if you would stop calling
please stop these calls
stop it stop calling
Don't you ever call here again
do not ever call
You are not allowed to call me
You're not to call me again
you must not call me
I forbid you to call me
por favor ya no me llamen
que ya no llamen
no quiero que me molesten
no me vuelvan a marcar por favor
ya le dije que no me llame
les dije que no me llamaran
quite mi número de la lista
sáquenme de su base de datos
le pido que no me llame más
le pedí que no llamara
no estoy interesado no llame más
no me esté molestando
dejen de marcar a este número
no vuelvan a llamar aquí
quiero que dejen de llamarme
quiero que dejen de llamar
elimíneme de su sistema
no me interesa, bórreme de su lista por favor
no thank you don't call me again
I'm not interested please take me off your list and have a good day
hello yes no I don't take me off your list
I told you don't call me
please don't call us we're not interested
I have no time today stop calling me
no gracias no me llame m\u00e1s
no me interesa ya no me marque
""".strip().splitlines()
